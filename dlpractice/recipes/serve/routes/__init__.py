"""What clients can ask: a module for each kind of question, and one for the tensors of the protocol."""
