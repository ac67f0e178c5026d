"""`dlp finetune --folds`: each image predicted once by a net that has not seen it, and these nets in one."""
