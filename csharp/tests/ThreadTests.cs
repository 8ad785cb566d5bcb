using System;
using System.Diagnostics;
using System.Threading;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>
    /// Calls that meet in time: a driver used by two threads, and one destroyed with events.
    /// </summary>
    [Tests]
    internal static class ThreadTests
    {
        private const int Rounds = 20000;
        private const int HammerMSMax = 20000;
        private const int Large = 34 << 20;
        private const int Small = 300;

        public static void ADriverIsDisposedWithLargeEventsWaiting()
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.webSocketMessageSizeMax = Large;
            limits.inboundBytesMax = limits.outboundBytesMax = 4 * Large;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(limits);
            foreach (bool updateBefore in new[] { false, true })
            {
                using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
                {
                    byte[] message = new byte[Large];
                    for (byte number = 0; number < 3; number++)
                    {
                        message[0] = number;
                        Check.Equal(0, pair.Client.Send(pair.ClientSide, message), "send");
                    }
                    pair.Until(() => 3 == pair.Server.GetEventQueueSizeForConnection(
                        pair.ServerSide), "three messages wait");
                    First(pair, 0);
                    if (updateBefore)
                    {
                        // Those that wait are copies now.
                        pair.Server.ScheduleUpdate().Complete();
                        First(pair, 1);
                    }
                    pair.Server.Dispose();
                    Check.That(!pair.Server.IsCreated, "disposed");
                    Pair.Silent(pair.Server);
                    Check.Equal(NetworkEvent.Type.Empty, pair.Server.LastEvent.Type, "last event");
                }
            }
        }

        private static void First(Pair pair, byte number)
        {
            NetworkConnection connection;
            DataStreamReader reader;
            Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection, out reader),
                "kind");
            Check.Equal(Large, reader.Length, "length");
            Check.Equal(number, reader.ReadByte(), "first byte");
        }

        public static void ADriverIsDisposedWithManySmallEventsWaiting()
        {
            const int count = 100;
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                for (int sent = 0; sent < count; sent++)
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[600]), "send");
                pair.Until(() => count == pair.Server.GetEventQueueSizeForConnection(
                    pair.ServerSide), "all wait");
                NetworkConnection connection;
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data,
                    pair.Server.PopEvent(out connection, out reader), "kind");
                pair.Server.Dispose();
                Pair.Silent(pair.Server);
            }
        }

        public static void TwoThreadsOnOneDriverAreToldSo()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Hammer popping = new Hammer(pair, round =>
                {
                    NetworkConnection connection;
                    DataStreamReader reader;
                    pair.Server.PopEvent(out connection, out reader);
                    if (round % 4 == 0)
                        pair.Server.PopEventForConnection(pair.ServerSide, out reader);
                    NetworkEventDetails last = pair.Server.LastEvent;
                    Check.That(last.Type == NetworkEvent.Type.Empty || last.Text.Length == 0,
                        "no text beside a message");
                });
                Hammer updating = new Hammer(pair, round =>
                {
                    pair.Server.ScheduleUpdate().Complete();
                    pair.Server.GetEventQueueSizeForConnection(pair.ServerSide);
                    Hammer.Allow(pair.Server.ReceiveErrorCode, "update");
                    if (round % 16 == 0)
                        pair.Server.ScheduleFlushSend().Complete();
                });
                Stopwatch watch = Stopwatch.StartNew();
                byte[] message = new byte[Small];
                NetworkConnection from;
                DataStreamReader bytes;
                while (!popping.Ended || !updating.Ended)
                {
                    // Enough to copy at each update, and never so much that the test gets slow.
                    for (int i = 0; i < 64; i++)
                        pair.Client.Send(pair.ClientSide, message);
                    pair.Client.ScheduleUpdate().Complete();
                    while (pair.Client.PopEvent(out from, out bytes) == NetworkEvent.Type.Data)
                        Check.That(bytes.Length > 0, "a text");
                    if (watch.ElapsedMilliseconds > HammerMSMax)
                        popping.Stop = updating.Stop = true;
                }
                popping.Finish();
                updating.Finish();
                StillWorks(pair);
            }
        }

        private static void StillWorks(Pair pair)
        {
            const string end = "the end";
            int sent = -1;
            pair.Until(() =>
            {
                NetworkConnection from;
                DataStreamReader bytes;
                while (pair.Server.PopEvent(out from, out bytes) != NetworkEvent.Type.Empty)
                    Check.Equal(pair.ServerSide, from, "whose message");
                if (sent != 0)
                    sent = pair.Server.SendText(pair.ServerSide, end);
                while (pair.Client.PopEvent(out from, out bytes) == NetworkEvent.Type.Data)
                {
                    if (bytes.ReadRemainingText() == end)
                        return true;
                }
                return false;
            }, "a text after all");
            const byte mark = 7;
            Check.Equal(0, pair.Client.Send(pair.ClientSide, new[] { mark }), "send");
            DataStreamReader reader;
            do
            {
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.That(reader.Length == Small || reader.Length == 1, "a message of before");
            }
            while (reader.Length != 1);
            Check.Equal(mark, reader.ReadByte(), "message");
        }

        /// <summary>A thread that does something, and sends a text, again and again.</summary>
        private sealed class Hammer
        {
            internal volatile bool Stop;
            private readonly Pair m_Pair;
            private readonly Action<int> m_Round;
            private readonly Thread m_Thread;
            private Exception m_Failure;
            private int m_Rounds;

            internal Hammer(Pair pair, Action<int> round)
            {
                m_Pair = pair;
                m_Round = round;
                m_Thread = new Thread(Run);
                m_Thread.Start();
            }

            internal bool Ended
            {
                get { return !m_Thread.IsAlive; }
            }

            internal static void Allow(int status, string what)
            {
                Check.That(status == 0 || status == (int)StatusCode.DriverInUse
                    || status == (int)StatusCode.NetworkSendQueueFull, what + ": " + status);
            }

            internal void Finish()
            {
                Check.That(m_Thread.Join(3 * HammerMSMax), "the thread ends");
                if (m_Failure != null)
                    throw m_Failure;
                Check.That(Stop || m_Rounds == Rounds, "all rounds");
            }

            private void Run()
            {
                try
                {
                    for (; m_Rounds < Rounds && !Stop; m_Rounds++)
                    {
                        m_Round(m_Rounds);
                        // Longer and longer, so that the memory for it is made anew meanwhile.
                        if (m_Rounds % 8 == 0)
                            Allow(m_Pair.Server.SendText(m_Pair.ServerSide,
                                new string('x', 1 + m_Rounds / 8)), "text");
                    }
                }
                catch (Exception failure)
                {
                    m_Failure = failure;
                }
            }
        }

        public static void TheLogIsNotSetFromInsideItsCallback()
        {
            int inside = 0;
            ManualResetEvent entered = new ManualResetEvent(false);
            ManualResetEvent setting = new ManualResetEvent(false);
            Check.Equal(0, NetDriverLog.SetCallback(NetDriverLogLevel.Info, (level, text) =>
            {
                entered.Set();
                // The other thread comes to wait for this callback, holding what it holds.
                setting.WaitOne(60000);
                Thread.Sleep(50);
                inside = NetDriverLog.SetCallback(NetDriverLogLevel.None, null);
            }), "set");
            int stopped = -1;
            Thread other = new Thread(() =>
            {
                entered.WaitOne(60000);
                setting.Set();
                stopped = NetDriverLog.SetCallback(NetDriverLogLevel.None, null);
            });
            other.IsBackground = true;
            other.Start();
            Thread logging = new Thread(() =>
            {
                using (Pair pair = Pair.Open(Road.Udp))
                    pair.Step();
            });
            logging.IsBackground = true;
            logging.Start();
            Check.That(logging.Join(60000) && other.Join(60000), "no thread waits for ever");
            Check.Status(StatusCode.InvalidArgument, inside, "from inside");
            Check.Equal(0, stopped, "from outside");
        }
    }
}
