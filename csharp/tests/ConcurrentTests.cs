using System;
using System.Threading;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Several threads use one driver between its updates.</summary>
    [Tests]
    internal static class ConcurrentTests
    {
        private const int Threads = 4;
        private const int PerThread = 3;
        private const int Messages = 40;
        private const int MeetingPatienceMS = 60000;

        /// <summary>A server with several clients of one driver.</summary>
        private sealed class Crowd : IDisposable
        {
            internal readonly NetworkDriver Server;
            internal readonly NetworkDriver Client;
            internal readonly NetworkConnection[] Ours = new NetworkConnection[Threads * PerThread];
            internal readonly NetworkConnection[] Theirs =
                new NetworkConnection[Threads * PerThread];

            internal Crowd(Road road)
            {
                Server = Pair.Listener(Pair.Interface(road));
                Client = NetworkDriver.Create(Pair.Interface(road));
                for (int i = 0; i < Ours.Length; i++)
                    Add(road, i);
            }

            private void Add(Road road, int place)
            {
                Pair pair = new Pair { Server = Server, Client = Client };
                pair.ClientSide = road == Road.WebSocketPlain ? Client.Connect(Pair.Url(Server))
                    : Client.Connect(Server.GetLocalEndpoint());
                pair.Establish();
                DataStreamReader reader;
                pair.Expect(Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
                Ours[place] = pair.ServerSide;
                Theirs[place] = pair.ClientSide;
            }

            public void Dispose()
            {
                Client.Dispose();
                Server.Dispose();
            }
        }

        /// <summary>What threads do side by side; what one of them throws is thrown here.</summary>
        private static void SideBySide(Action<int> body)
        {
            Thread[] threads = new Thread[Threads];
            Exception failure = null;
            for (int i = 0; i < Threads; i++)
            {
                int number = i;
                threads[i] = new Thread(() =>
                {
                    try
                    {
                        body(number);
                    }
                    catch (Exception caught)
                    {
                        failure = caught;
                    }
                });
                threads[i].Start();
            }
            foreach (Thread thread in threads)
                thread.Join();
            if (failure != null)
                throw failure;
        }

        private static void Echo(NetworkDriver.Concurrent driver, NetworkConnection connection)
        {
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = driver.PopEventForConnection(connection, out reader))
                != NetworkEvent.Type.Empty)
            {
                Check.Equal(NetworkEvent.Type.Data, kind, "kind");
                DataStreamWriter writer;
                Check.Equal(0, driver.BeginSend(connection, out writer), "begin");
                writer.WriteInt(reader.ReadInt());
                writer.WriteInt(reader.ReadInt());
                Check.Equal(8, driver.EndSend(writer), "end");
            }
        }

        public static void ThreadsEchoEachMessageOnceAndInOrder()
        {
            foreach (Road road in Pair.All)
            {
                using (Crowd crowd = new Crowd(road))
                    EchoAll(crowd, crowd.Server.ToConcurrent());
            }
        }

        private static void EchoAll(Crowd crowd, NetworkDriver.Concurrent concurrent)
        {
            int[] back = new int[crowd.Ours.Length];
            int total = 0;
            for (int sent = 0; total < Messages * back.Length;)
            {
                for (int i = 0; sent < Messages && i < back.Length; i++)
                {
                    DataStreamWriter writer;
                    Check.Equal(0, crowd.Client.BeginSend(crowd.Theirs[i], out writer), "begin");
                    writer.WriteInt(i);
                    writer.WriteInt(sent);
                    Check.Equal(8, crowd.Client.EndSend(writer), "end");
                }
                sent++;
                Check.That(sent < 20000, "in time");
                crowd.Client.ScheduleUpdate().Complete();
                crowd.Server.Wait(1);
                crowd.Server.ScheduleUpdate().Complete();
                if (sent % 7 == 0)
                {
                    // Pops some ahead, which threads then find.
                    NetworkConnection first;
                    DataStreamReader bytes;
                    if (crowd.Server.PopEvent(out first, out bytes) == NetworkEvent.Type.Data)
                        Check.Equal(0, Answer(crowd.Server, first, bytes), "answer");
                }
                SideBySide(thread =>
                {
                    for (int i = 0; i < PerThread; i++)
                        Echo(concurrent, crowd.Ours[thread * PerThread + i]);
                });
                crowd.Server.ScheduleFlushSend().Complete();
                total += Count(crowd, back);
            }
            foreach (NetworkConnection connection in crowd.Ours)
                Check.Equal(0, concurrent.GetEventQueueSizeForConnection(connection), "left");
        }

        private static int Answer(
            NetworkDriver server, NetworkConnection connection, DataStreamReader reader)
        {
            DataStreamWriter writer;
            int result = server.BeginSend(connection, out writer);
            writer.WriteInt(reader.ReadInt());
            writer.WriteInt(reader.ReadInt());
            return result == 0 ? Math.Min(0, server.EndSend(writer)) : result;
        }

        private static int Count(Crowd crowd, int[] back)
        {
            int total = 0;
            NetworkConnection connection;
            DataStreamReader reader;
            crowd.Client.ScheduleUpdate().Complete();
            while (crowd.Client.PopEvent(out connection, out reader) != NetworkEvent.Type.Empty)
            {
                int place = reader.ReadInt();
                Check.Equal(crowd.Theirs[place], connection, "whose message");
                Check.Equal(back[place]++, reader.ReadInt(), "order");
                total++;
            }
            return total;
        }

        public static void EventsThatWerePoppedAheadAreFound()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                for (byte i = 0; i < 5; i++)
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new[] { i }), "send");
                pair.Until(() => 5 == pair.Server.GetEventQueueSizeForConnection(pair.ServerSide),
                    "all wait");
                pair.Server.ScheduleUpdate().Complete();
                NetworkConnection connection;
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data,
                    pair.Server.PopEvent(out connection, out reader), "kind");
                NetworkDriver.Concurrent concurrent = pair.Server.ToConcurrent();
                for (byte i = 1; i < 5; i++)
                {
                    Check.Equal(5 - i,
                        concurrent.GetEventQueueSizeForConnection(pair.ServerSide), "waiting");
                    NetworkPipeline pipeline;
                    Check.Equal(NetworkEvent.Type.Data, concurrent.PopEventForConnection(
                        pair.ServerSide, out reader, out pipeline), "kind");
                    Check.Equal(i, reader.ReadByte(), "order");
                    if (i == 2)
                        pair.Server.ScheduleUpdate().Complete();
                }
                Check.Equal(NetworkEvent.Type.Empty,
                    concurrent.PopEventForConnection(pair.ServerSide, out reader), "no more");
                Pair.Silent(pair.Server);
            }
        }

        public static void MisuseIsTold()
        {
            using (Pair pair = Pair.Open(Road.Udp))
            {
                NetworkDriver.Concurrent concurrent = pair.Server.ToConcurrent();
                DataStreamWriter writer;
                DataStreamWriter own;
                Check.Equal(0, concurrent.BeginSend(pair.ServerSide, out writer, 4), "begin");
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out own, 4), "begin");
                writer.WriteInt(7);
                own.WriteInt(8);
                Check.Status(StatusCode.NetworkSendHandleInvalid, concurrent.EndSend(own), "own");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Server.EndSend(writer),
                    "foreign");
                Check.Equal(4, concurrent.EndSend(writer), "end");
                Check.Status(StatusCode.NetworkSendHandleInvalid, concurrent.EndSend(writer),
                    "twice");
                Check.Status(StatusCode.NetworkSendHandleInvalid, concurrent.AbortSend(writer),
                    "abort after end");
                Check.Equal(0, pair.Server.AbortSend(own), "abort");
                Check.Equal(0, concurrent.BeginSend(pair.ServerSide, out writer, 1), "begin");
                writer.WriteInt(1);
                Check.Status(StatusCode.NetworkPacketOverflow, concurrent.EndSend(writer), "long");
                Check.Equal(0, concurrent.BeginSend(pair.ServerSide, out writer), "begin");
                pair.Server.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkSendHandleInvalid, concurrent.EndSend(writer),
                    "after the update");
                Check.Status(StatusCode.NetworkIdMismatch,
                    concurrent.BeginSend(default(NetworkConnection), out writer), "nobody");
                Check.Equal(pair.Server.MaxHeaderSize(NetworkPipeline.Null),
                    concurrent.MaxHeaderSize(NetworkPipeline.Null), "header");
                Check.Equal(NetworkConnection.State.Connected,
                    concurrent.GetConnectionState(pair.ServerSide), "state");
                pair.Server.Disconnect(pair.ServerSide);
                pair.Server.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkVersionMismatch,
                    concurrent.Send(pair.ServerSide, new byte[1]), "stale");
                pair.Server.Dispose();
                Check.Status(StatusCode.InvalidHandle,
                    concurrent.Send(pair.ServerSide, new byte[1]), "disposed");
            }
            DataStreamReader reader;
            NetworkDriver.Concurrent none = default(NetworkDriver).ToConcurrent();
            Check.Status(StatusCode.InvalidHandle,
                none.Send(default(NetworkConnection), new byte[1]), "never created");
            Check.Equal(NetworkEvent.Type.Empty,
                none.PopEventForConnection(default(NetworkConnection), out reader), "no event");
        }

        public static void TextLeavesAsText()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                DataStreamWriter writer;
                NetworkDriver.Concurrent concurrent = pair.Server.ToConcurrent();
                Check.Equal(0, concurrent.BeginSend(pair.ServerSide, out writer), "begin");
                writer.WriteByte((byte)'x');
                Check.Equal(1, concurrent.EndSendText(writer), "end");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.That(pair.Client.LastEvent.IsText, "is text");
                foreach (string text in new[] { string.Empty, "snö", "!", new string('☃', 9000) })
                {
                    Check.Equal(0, concurrent.SendText(pair.ServerSide, text), "send");
                    pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                    Check.That(pair.Client.LastEvent.IsText, "is text, too");
                    Check.Equal(text, reader.ReadRemainingText(), "text");
                }
                Check.Throws<ArgumentNullException>(
                    () => concurrent.SendText(pair.ServerSide, null), "no text");
            }
            using (Pair pair = Pair.Open(Road.WebSocketUtp))
            {
                Check.Status(StatusCode.InvalidArgument,
                    pair.Server.ToConcurrent().SendText(pair.ServerSide, "x"), "no text there");
            }
        }

        /// <summary>One thread is inside of calls on a connection most of the time, another one
        /// asks until it meets it there.</summary>
        public static void TwoThreadsInOneConnectionAreTold()
        {
            using (Crowd crowd = new Crowd(Road.WebSocketPlain))
            {
                NetworkDriver.Concurrent concurrent = crowd.Server.ToConcurrent();
                NetworkConnection shared = crowd.Ours[0];
                // Read through to its end, and refused because of its length: nothing is changed.
                string text = new string('☃', 1 << 20);
                Check.Status(StatusCode.NetworkPacketOverflow, concurrent.SendText(shared, text),
                    "too long");
                bool stop = false;
                int odd = 0;
                Thread other = new Thread(() =>
                {
                    while (!Volatile.Read(ref stop))
                    {
                        int result = concurrent.SendText(shared, text);
                        if (result != (int)StatusCode.NetworkPacketOverflow
                            && result != (int)StatusCode.NetworkDriverParallelForErr)
                            odd = result;
                    }
                });
                other.Start();
                DataStreamWriter writer;
                int end = Environment.TickCount + MeetingPatienceMS;
                int begun = 0;
                while (begun != (int)StatusCode.NetworkDriverParallelForErr
                    && Environment.TickCount - end < 0)
                {
                    // Threads of another connection meet nobody.
                    Check.Equal(0, concurrent.BeginSend(crowd.Ours[1], out writer), "apart");
                    Check.Equal(0, concurrent.AbortSend(writer), "apart");
                    begun = concurrent.BeginSend(shared, out writer);
                    if (begun != 0)
                        continue;
                    int aborted;
                    do
                        aborted = concurrent.AbortSend(writer);
                    while (aborted == (int)StatusCode.NetworkDriverParallelForErr);
                    Check.Equal(0, aborted, "abort");
                }
                string why = NetDriverLibrary.LastError;
                Volatile.Write(ref stop, true);
                other.Join();
                Check.Status(StatusCode.NetworkDriverParallelForErr, begun, "two threads");
                Check.That(why.Contains("one thread per connection"), why);
                Check.Equal(0, odd, "nothing else befalls the other one");
                Check.Equal(0, concurrent.SendText(shared, "well"), "nothing is harmed");
                crowd.Server.ScheduleUpdate().Complete();
                Pair pair = new Pair { Server = crowd.Server, Client = crowd.Client };
                DataStreamReader reader;
                pair.Expect(crowd.Client, NetworkEvent.Type.Data, crowd.Theirs[0], out reader);
                Check.Equal("well", reader.ReadRemainingText(), "text");
            }
        }

        public static void DetailsComeWithTheEvent()
        {
            using (Crowd crowd = new Crowd(Road.WebSocketPlain))
            {
                Pair pair = new Pair { Server = crowd.Server, Client = crowd.Client };
                NetworkDriver.Concurrent concurrent = crowd.Server.ToConcurrent();
                // From the library.
                Text(crowd, pair, 0);
                TextIsTold(concurrent, crowd.Ours[0]);
                End(crowd, pair, 0);
                EndIsTold(concurrent, crowd.Ours[0]);
                // From what the driver has popped ahead of another connection's event, before an
                // update and copied by one.
                Text(crowd, pair, 1);
                Text(crowd, pair, 2);
                End(crowd, pair, 3);
                NetworkConnection first;
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data,
                    crowd.Server.PopEvent(out first, out reader), "kind");
                Check.Equal(crowd.Ours[1], first, "whose");
                TextIsTold(concurrent, crowd.Ours[2]);
                Check.Equal(crowd.Ours[1], crowd.Server.LastEvent.Connection, "the driver's own");
                crowd.Server.ScheduleUpdate().Complete();
                EndIsTold(concurrent, crowd.Ours[3]);
                Check.Equal(NetworkEvent.Type.Empty, crowd.Server.LastEvent.Type, "not its own");
            }
        }

        private static void Text(Crowd crowd, Pair pair, int place)
        {
            Check.Equal(0, crowd.Client.SendText(crowd.Theirs[place], "hello"), "send");
            Arrives(crowd, pair, place);
        }

        private static void End(Crowd crowd, Pair pair, int place)
        {
            Check.Equal(0, crowd.Client.Close(crowd.Theirs[place], 4711, "så länge"), "close");
            Arrives(crowd, pair, place);
        }

        private static void Arrives(Crowd crowd, Pair pair, int place)
        {
            pair.Until(
                () => crowd.Server.GetEventQueueSizeForConnection(crowd.Ours[place]) == 1,
                "an event");
        }

        private static NetworkEventDetails Details(
            NetworkDriver.Concurrent concurrent, NetworkConnection connection,
            NetworkEvent.Type kind, out DataStreamReader reader)
        {
            NetworkPipeline pipeline;
            NetworkEventDetails details;
            Check.Equal(kind, concurrent.PopEventForConnection(
                connection, out reader, out pipeline, out details), "kind");
            Check.Equal(kind, details.Type, "kind in the details");
            return details;
        }

        private static void TextIsTold(
            NetworkDriver.Concurrent concurrent, NetworkConnection connection)
        {
            DataStreamReader reader;
            NetworkEventDetails details =
                Details(concurrent, connection, NetworkEvent.Type.Data, out reader);
            Check.Equal(connection, details.Connection, "whose");
            Check.That(details.IsText && details.IsFirst && details.IsLast, "text, whole");
            Check.Equal(string.Empty, details.Text, "what a reader has is not in the details");
            Check.Equal("hello", reader.ReadRemainingText(), "message");
        }

        private static void EndIsTold(
            NetworkDriver.Concurrent concurrent, NetworkConnection connection)
        {
            DataStreamReader reader;
            NetworkEventDetails details =
                Details(concurrent, connection, NetworkEvent.Type.Disconnect, out reader);
            Check.Equal(connection, details.Connection, "whose");
            Check.Equal(4711, details.CloseCode, "code");
            Check.Equal("så länge", details.Text, "reason");
            Check.Equal("så länge", details.Text, "reason, again");
            Check.That(details.IsClean, "a proper end");
            Check.Equal(DisconnectReason.ClosedByRemote, details.Reason, "why");
            details = Details(concurrent, connection, NetworkEvent.Type.Empty, out reader);
            Check.Equal(default(NetworkConnection), details.Connection, "nobody");
            Check.Equal(string.Empty, details.Text, "nothing to read");
        }

        public static void SeveralDriversAreOneForThreadsToo()
        {
            using (MultiNetworkDriver server = MultiNetworkDriver.Create())
            using (NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface()))
            {
                NetworkDriver listener = Pair.Listener(new IPCNetworkInterface());
                server.AddDriver(NetworkDriver.Create(new UDPNetworkInterface()));
                server.AddDriver(listener);
                MultiNetworkDriver.Concurrent concurrent = server.ToConcurrent();
                Pair pair = new Pair { Server = listener, Client = client };
                pair.ClientSide = client.Connect(listener.GetLocalEndpoint());
                pair.Establish();
                DataStreamWriter writer;
                Check.Equal(2, pair.ServerSide.DriverId, "driver");
                Check.Equal(0, concurrent.BeginSend(pair.ServerSide, out writer), "begin");
                writer.WriteByte(5);
                Check.Equal(1, concurrent.EndSend(writer), "end");
                Check.Status(StatusCode.NetworkSendHandleInvalid, concurrent.EndSend(writer),
                    "twice");
                Check.Status(StatusCode.NetworkIdMismatch,
                    concurrent.BeginSend(default(NetworkConnection), out writer), "nobody");
                DataStreamReader reader;
                pair.Expect(client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
                pair.Expect(client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                Check.Equal((byte)5, reader.ReadByte(), "message");
                Check.Status(StatusCode.InvalidArgument,
                    concurrent.SendText(pair.ServerSide, "x"), "no text there");
                Check.Equal(0, client.Send(pair.ClientSide, new byte[1]), "send");
                NetworkPipeline pipeline;
                NetworkEventDetails details = default(NetworkEventDetails);
                pair.Until(() => NetworkEvent.Type.Data == concurrent.PopEventForConnection(
                    pair.ServerSide, out reader, out pipeline, out details), "a message");
                Check.Equal(pair.ServerSide, details.Connection, "whose");
            }
        }
    }
}
