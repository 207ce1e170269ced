"""Tests of the registrars: customers made known to the merchant's own website."""
