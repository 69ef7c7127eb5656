# What programs share that have no objects in common: queues and locks.

from _sync import *
