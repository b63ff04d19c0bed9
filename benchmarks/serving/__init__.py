"""What predictions cost where a trained model is used."""
