DROP VIEW IF EXISTS {{view}}{{on_cluster}}
