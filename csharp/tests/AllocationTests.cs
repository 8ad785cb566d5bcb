using System;

namespace NetDriver.Tests
{
    /// <summary>
    /// Once warm, an event and a send make no garbage: no collection of the youngest generation
    /// happens, and the memory in use does not grow. (Mono's youngest generation has 4 MB, so there
    /// the first says it; .NET counts the bytes, so there the second does.)
    /// </summary>
    [Tests]
    internal static unsafe class AllocationTests
    {
        private const int Batch = 200;
        // .NET hands out memory in pieces of 8 KB, and counts a piece as used.
        private const int BytesMax = 32768;
        private static readonly byte[] s_Message = new byte[24];
        private static readonly StreamCompressionModel s_Model = StreamCompressionModel.Default;
        private static readonly NetworkConnection[] s_One = new NetworkConnection[1];
        private static readonly int[] s_Results = new int[1];

        private struct Meter
        {
            private int m_Collections;
            private long m_Bytes;

            internal static Meter Start()
            {
                GC.Collect();
                Meter meter;
                meter.m_Bytes = GC.GetTotalMemory(false);
                meter.m_Collections = GC.CollectionCount(0);
                return meter;
            }

            internal int Collections
            {
                get { return GC.CollectionCount(0) - m_Collections; }
            }

            internal long Bytes
            {
                get { return GC.GetTotalMemory(false) - m_Bytes; }
            }
        }

        public static void TheMeasureSeesSmallObjects()
        {
            Meter meter = Meter.Start();
            object kept = null;
            for (int i = 0; i < 1000000; i++)
                kept = new object();
            Check.That(kept != null && (meter.Collections > 0 || meter.Bytes > 1000000),
                "a million objects are seen");
        }

        public static void AMillionEventsInProcess()
        {
            Measure(Road.Ipc, 1000000);
        }

        public static void EventsOverUdp()
        {
            Measure(Road.Udp, 200000);
        }

        public static void EventsOverWebSocketUtp()
        {
            Measure(Road.WebSocketUtp, 200000);
        }

        public static void EventsAndSendsOverTcpAllocateNothing()
        {
            Measure(Road.Tcp, 200000);
        }

        public static void EventsOverWebSocketPlain()
        {
            Measure(Road.WebSocketPlain, 200000);
        }

        private static void Measure(Road road, int events)
        {
            // In process the updates are done here: on a busy machine another thread for each of
            // them takes minutes. The other roads have one.
            NetDriverParameter parameter = NetDriverParameter.Default;
            parameter.jobWorkers = road == Road.Ipc ? 0 : parameter.jobWorkers;
            NetworkSettings settings =
                new NetworkSettings().WithNetDriverParameters(parameter);
            using (Pair pair = Pair.Open(road, settings))
            {
                s_One[0] = pair.ServerSide;
                int text = road == Road.WebSocketPlain ? 1 : 0;
                Run(pair, 20000, text);
                Meter meter = Meter.Start();
                int popped = Run(pair, events, text);
                int collections = meter.Collections;
                long bytes = meter.Bytes;
                Check.That(popped >= events, "events: " + popped);
                Check.Equal(0, collections, "collections in " + popped + " events");
                Check.That(bytes < BytesMax, "bytes of memory in " + popped + " events: " + bytes);
            }
        }

        // The client sends a batch in every way there is; the server pops in both ways and answers.
        private static int Run(Pair pair, int events, int text)
        {
            int popped = 0;
            while (popped < events)
            {
                for (int i = 0; i < Batch; i++)
                    SendOne(pair, i);
                if (text != 0 && pair.Client.SendText(pair.ClientSide, "not garbage") != 0)
                    throw new CheckFailed("text");
                int wanted = Batch + text;
                while (wanted > 0)
                {
                    pair.Client.ScheduleUpdate().Complete();
                    pair.Server.Wait(1);
                    pair.Server.ScheduleUpdate().Complete();
                    int got = Drain(pair);
                    wanted -= got;
                    popped += got;
                }
                if (pair.Server.SendToMany(s_One, s_Message, s_Results) != 1 || s_Results[0] != 0)
                    throw new CheckFailed("answer");
            }
            return popped;
        }

        private static void SendOne(Pair pair, int number)
        {
            int result;
            if (number % 3 == 0)
                result = pair.Client.Send(pair.ClientSide, s_Message);
            else if (number % 3 == 1)
                result = pair.Client.Send(pair.ClientSide, new ReadOnlySpan<byte>(s_Message, 0, 5));
            else
            {
                DataStreamWriter writer;
                result = pair.Client.BeginSend(pair.ClientSide, out writer);
                writer.WriteInt(number);
                writer.WriteFloat(1.5f);
                writer.WriteBytes(s_Message);
                writer.WriteFixedString32("name");
                writer.WriteRawBits(5, 3);
                writer.WritePackedIntDelta(number, 100, s_Model);
                writer.WritePackedFixedString32Delta("name", "base", s_Model);
                if (result == 0 && pair.Client.EndSend(writer) < 0)
                    result = -1;
            }
            if (result != 0)
                throw new CheckFailed("send " + number + ": " + result);
        }

        private static int Drain(Pair pair)
        {
            int popped = 0;
            NetworkConnection connection;
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = pair.Server.PopEvent(out connection, out reader))
                != NetworkEvent.Type.Empty)
            {
                if (kind != NetworkEvent.Type.Data)
                    throw new CheckFailed("event " + kind);
                reader.ReadInt();
                reader.ReadPackedUInt(s_Model);
                popped++;
                if (popped % 5 == 0
                    && pair.Server.PopEventForConnection(connection, out reader)
                        == NetworkEvent.Type.Data)
                    popped++;
                if (pair.Server.LastEvent.Type != NetworkEvent.Type.Data)
                    throw new CheckFailed("details");
            }
            while (pair.Client.PopEvent(out connection, out reader) != NetworkEvent.Type.Empty)
                reader.ReadByte();
            while (pair.Server.Accept() != default(NetworkConnection))
                throw new CheckFailed("a stranger");
            return popped;
        }
    }
}
