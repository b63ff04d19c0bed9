"""Everything of networks that needs Keras and TensorFlow: models, optimizers, training."""
