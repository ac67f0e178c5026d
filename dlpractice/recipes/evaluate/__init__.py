"""`dlp evaluate`: a finished run on labelled images, or on one-shot tasks from new classes."""
