# What takes a while, here or on another CPU.


def primes(below):
    """How many primes there are below a number."""
    sieve = bytearray(below)
    count = 0
    for number in range(2, below):
        if not sieve[number]:
            count += 1
            for multiple in range(number * number, below, number):
                sieve[multiple] = 1
    return count
