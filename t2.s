timeout: failed to run command ‘./s’: No such file or directory
