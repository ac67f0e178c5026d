"""One net on several devices: by data, by layers, by channels; each checked against one device."""
