"""The commands as functions: `import dlpractice as dlp`, then `dlp.finetune("photos")`."""
