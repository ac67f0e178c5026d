"""What more devices would bring: a model of costs, published figures, and how far off the model is."""
