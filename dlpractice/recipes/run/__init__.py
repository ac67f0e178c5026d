"""What all recipes that train share: devices, continuing, the environment, the saved model."""
