"""The backend "gymnasium": the stock CarRacing-v3 with wrappers."""
