"""Images, drawings and recordings: where they are kept, read, checked, divided and made ready to train on."""
