"""What more devices would bring, and how far such predictions are from published figures."""
