"""What people do with the PIN, NFC, Bluetooth and face of an account, each as one function that is audited."""
