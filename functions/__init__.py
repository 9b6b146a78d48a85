"""The Azure edge: a blueprint a trigger. Azure's types stop here."""
