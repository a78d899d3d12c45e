"""The invented retailer: its people, products, sales and eCom orders."""
