"""The service's side: an order received is posted to the merchant's own server."""
