"""One net on several devices: by data, by layers, by channels. Each way is checked against one device."""
