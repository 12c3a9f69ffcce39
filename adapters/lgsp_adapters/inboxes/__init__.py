"""Inboxes for the files of offices: a folder of this machine or of a share, a bucket of S3, a folder reached by SFTP."""
