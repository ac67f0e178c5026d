"""`dlpractice.Diagnose`, a Keras callback: records anybody's training, judges it, and may stop it."""
