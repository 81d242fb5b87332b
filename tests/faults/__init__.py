"""What must hold when something breaks: processes die, disks fill, databases go away."""
