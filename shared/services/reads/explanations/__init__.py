"""Where each figure of a customer, an order or a product comes from."""
