"""Tests of the service's side: the Order Control and its transmissions."""
