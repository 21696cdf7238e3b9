"""dma, the DragonFly Mail Agent: a queue without a daemon, and a smart host."""
import os

from mailsystem import System, end


class Dma(System):
    """Its queue run starts a process for each message, without a limit, and each opens a connection of its own."""
    name = column = "dma"
    one_shot = ("/usr/sbin/dma", "-q")
    durability = "message and envelope are synced"
    runner = None

    def configure(self):
        self.write_configuration(True)

    def write_configuration(self, deferred):
        """Deferred, sendmail only queues; or it leaves a process behind that delivers the message at once."""
        with open(self.root.root + "/etc/dma/dma.conf", "w") as out:
            out.write(f"SMARTHOST 127.0.0.1\nPORT {self.port}\nMAILNAME board.example\n" + "DEFER\n" * deferred)

    def start(self):
        self.write_configuration(False)

    def begin_drain(self):
        self.runner = self.root.start("/usr/sbin/dma", "-q", log=self.log, enter=self.group.enter)

    def stop(self):
        end(self.runner)
        self.write_configuration(True)

    def clear(self):
        spool = self.root.root + "/var/spool/dma"
        for name in os.listdir(spool):
            os.unlink(f"{spool}/{name}")

    def left(self):
        return sum(name.startswith("M") for name in os.listdir(self.root.root + "/var/spool/dma"))
