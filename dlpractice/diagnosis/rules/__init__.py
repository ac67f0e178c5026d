"""What is looked for, a row for each rule, beside the function that looks."""
