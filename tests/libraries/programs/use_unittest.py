# needs: micropython-unittest

import unittest


class Sums(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(sum(range(10)), 45)
        self.assertTrue(1 < 2)
        self.assertIn(3, [1, 2, 3])

    def test_raises(self):
        with self.assertRaises(ZeroDivisionError):
            print(1 / 0)

    @unittest.skip("not today")
    def test_skip(self):
        self.fail("never")

    def test_almost(self):
        self.assertAlmostEqual(0.1 + 0.2, 0.3)


suite = unittest.TestSuite()
suite.addTest(Sums)
result = unittest.TestRunner().run(suite)
print(result.testsRun, result.failuresNum, result.errorsNum, result.skippedNum)
