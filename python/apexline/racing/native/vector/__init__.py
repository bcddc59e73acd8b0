"""What CarRacingVectorEnv is made of: infos, access to single games, saved states."""
