"""What is wrong or doubtful in a data set, and which of its images are let in."""
