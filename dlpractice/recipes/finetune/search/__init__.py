"""`dlp finetune --search`: a budget of trials over ranges of the config's keys, drawn by Optuna."""
