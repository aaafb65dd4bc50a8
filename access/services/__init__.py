"""What is written about doors and passes, each as one function that is audited."""
