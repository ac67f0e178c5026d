"""What `auto` leaves open in a config: measured, tried and settled before the run itself trains."""
