"""`dlp benchmark`: what hardware is worth. One slice, from measuring to figures; nothing else imports it."""
