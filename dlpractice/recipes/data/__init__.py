"""`dlp data check`: whether training would take a data set."""
