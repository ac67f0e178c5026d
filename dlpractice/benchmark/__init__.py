"""`dlp benchmark`, from measuring to figures. Only its command, and no other room, imports it."""
