"""Pictures of attention in TensorBoard: those of each epoch's weights, and no less."""



