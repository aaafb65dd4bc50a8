"""What is written about families, properties and people, each as one function that is audited."""
