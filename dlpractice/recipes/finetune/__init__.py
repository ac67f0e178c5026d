"""`dlp finetune`: one strategy, a comparison of several, or a sweep."""
