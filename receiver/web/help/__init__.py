"""The pages of docs/, as the console shows them under Help and `make docs-site` writes them."""
