# needs: micropython-schedule micropython-datetime
# needs: micropython-functools micropython-random micropython-logging

import schedule

done = []
schedule.every(10).seconds.do(lambda: done.append(1))
print(len(schedule.jobs), done)
schedule.run_all()
print(done)
schedule.clear()
print(len(schedule.jobs))
