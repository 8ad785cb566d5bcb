using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>
    /// Events are popped from the library in batches; a program must not be able to tell.
    /// </summary>
    [Tests]
    internal static class EventTests
    {
        private static void SendNumbers(Pair pair, int from, int to)
        {
            for (int number = from; number < to; number++)
            {
                DataStreamWriter writer;
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer), "begin");
                writer.WriteInt(number);
                Check.Equal(4, pair.Client.EndSend(writer), "end");
            }
            Arrive(pair, to - from);
        }

        private static void Arrive(Pair pair, int count)
        {
            int wanted = count + pair.Server.GetEventQueueSizeForConnection(pair.ServerSide);
            pair.Until(
                () => pair.Server.GetEventQueueSizeForConnection(pair.ServerSide) >= wanted,
                "messages arrive");
        }

        private static int PopNumber(Pair pair)
        {
            NetworkConnection connection;
            DataStreamReader reader;
            Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection, out reader),
                "kind");
            Check.Equal(pair.ServerSide, connection, "connection");
            return reader.ReadInt();
        }

        private static int PopNumberOf(Pair pair)
        {
            DataStreamReader reader;
            Check.Equal(NetworkEvent.Type.Data,
                pair.ServerSide.PopEvent(pair.Server, out reader), "kind");
            return reader.ReadInt();
        }

        public static void BothWaysOfPoppingKeepTheOrder()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                SendNumbers(pair, 0, 200);
                for (int number = 0; number < 200; number++)
                {
                    Check.Equal(200 - number,
                        pair.Server.GetEventQueueSizeForConnection(pair.ServerSide), "waiting");
                    Check.Equal(number, number % 3 == 0 ? PopNumberOf(pair) : PopNumber(pair),
                        "order");
                }
                Pair.Silent(pair.Server);
                DataStreamReader none;
                Check.Equal(NetworkEvent.Type.Empty,
                    pair.Server.PopEventForConnection(pair.ServerSide, out none), "empty");
            }
        }

        public static void EventsOfAnotherConnectionStayInTheBatch()
        {
            using (Pair pair = Pair.Open(Road.Ipc, Pair.Stock))
            using (NetworkDriver second = NetworkDriver.Create(new IPCNetworkInterface()))
            {
                NetworkConnection other = second.Connect(pair.Server.GetLocalEndpoint());
                NetworkConnection otherSide = default(NetworkConnection);
                pair.Until(() =>
                {
                    second.ScheduleUpdate().Complete();
                    otherSide = otherSide.IsCreated ? otherSide : pair.Server.Accept();
                    return other.GetState(second) == NetworkConnection.State.Connected
                        && otherSide.IsCreated;
                }, "second client");
                for (int number = 0; number < 40; number++)
                {
                    pair.Client.Send(pair.ClientSide, new[] { (byte)number });
                    second.Send(other, new[] { (byte)(100 + number) });
                    pair.Client.ScheduleUpdate().Complete();
                    second.ScheduleUpdate().Complete();
                    pair.Server.ScheduleUpdate().Complete();
                }
                pair.Until(() => pair.Server.GetEventQueueSizeForConnection(pair.ServerSide) == 40
                    && pair.Server.GetEventQueueSizeForConnection(otherSide) == 40, "80 messages");
                NetworkConnection connection;
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection,
                    out reader), "first");
                Check.Equal((byte)0, reader.ReadByte(), "first");
                for (int number = 0; number < 40; number++)
                {
                    Check.Equal(NetworkEvent.Type.Data,
                        pair.Server.PopEventForConnection(otherSide, out reader), "of the second");
                    Check.Equal((byte)(100 + number), reader.ReadByte(), "order of the second");
                }
                for (int number = 1; number < 40; number++)
                {
                    Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection,
                        out reader), "rest");
                    Check.Equal((byte)number, reader.ReadByte(), "order of the first");
                }
                Pair.Silent(pair.Server);
            }
        }

        public static void WhatWasNotPoppedSurvivesUpdates()
        {
            foreach (Road road in Pair.All)
            {
                using (Pair pair = Pair.Open(road))
                {
                    SendNumbers(pair, 0, 100);
                    int next = 0;
                    while (next < 30)
                        Check.Equal(next++, PopNumber(pair), "before");
                    pair.Step();
                    SendNumbers(pair, 100, 150);
                    while (next < 50)
                        Check.Equal(next++, PopNumber(pair), "after an update");
                    Check.Equal(next++, PopNumberOf(pair), "of the connection");
                    pair.Step();
                    pair.Step();
                    Check.Equal(150 - next,
                        pair.Server.GetEventQueueSizeForConnection(pair.ServerSide), "waiting");
                    while (next < 150)
                    {
                        Check.Equal(next++, PopNumber(pair), "one each update");
                        if (next % 7 == 0)
                            pair.Step();
                    }
                    Pair.Silent(pair.Server);
                }
            }
        }

        public static void ReadersAreGoodUntilTheNextUpdate()
        {
            using (Pair pair = Pair.Open(Road.Udp))
            {
                SendNumbers(pair, 0, 130);
                PopNumber(pair);
                pair.Step();
                DataStreamReader[] readers = new DataStreamReader[129];
                NetworkConnection connection;
                for (int i = 0; i < readers.Length; i++)
                    pair.Server.PopEvent(out connection, out readers[i]);
                for (int i = 0; i < readers.Length; i++)
                    Check.Equal(i + 1, readers[i].ReadInt(), "reader " + i);
            }
        }

        public static void ALocalDisconnectTakesWaitingEventsAway()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                SendNumbers(pair, 0, 100);
                PopNumber(pair);
                pair.Step();
                Check.Equal(0, pair.Server.Disconnect(pair.ServerSide), "disconnect");
                Check.Equal(0, pair.Server.GetEventQueueSizeForConnection(pair.ServerSide),
                    "waiting");
                Pair.Silent(pair.Server);
                pair.Step();
                Pair.Silent(pair.Server);
                Check.Status(StatusCode.NetworkVersionMismatch,
                    pair.Server.Disconnect(pair.ServerSide), "again");
            }
        }

        public static void ADisconnectThatWaitsIsNotTheEndYet()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                SendNumbers(pair, 0, 2);
                pair.Client.Disconnect(pair.ClientSide);
                Arrive(pair, 1);
                Check.Equal(0, PopNumber(pair), "first message");
                DataStreamWriter writer;
                Check.Status(StatusCode.NetworkStateMismatch,
                    pair.Server.BeginSend(pair.ServerSide, out writer), "closed, not forgotten");
                Check.Status(StatusCode.NetworkStateMismatch,
                    pair.Server.Send(pair.ServerSide, new byte[1]), "closed, not forgotten");
                Check.Equal(1, PopNumber(pair), "second message");
                Check.Equal(0, pair.Server.Disconnect(pair.ServerSide), "local disconnect");
                Pair.Silent(pair.Server);
                Check.Status(StatusCode.NetworkVersionMismatch,
                    pair.Server.Send(pair.ServerSide, new byte[1]), "forgotten");
            }
        }

        public static void EventsWaitForAccept()
        {
            using (Pair pair = Pair.Begin(Road.Udp))
            {
                pair.Until(
                    () => pair.ClientSide.GetState(pair.Client) == NetworkConnection.State.Connected,
                    "connected before accept");
                pair.Client.Send(pair.ClientSide, new byte[] { 3 });
                pair.For(30);
                Pair.Silent(pair.Server);
                pair.ServerSide = pair.Server.Accept();
                Check.That(pair.ServerSide.IsCreated, "accept");
                NetworkConnection connection;
                DataStreamReader reader;
                Check.Equal(NetworkEvent.Type.Data, pair.Server.PopEvent(out connection,
                    out reader), "kind");
                Check.Equal((byte)3, reader.ReadByte(), "message");
            }
        }

        public static void DetailsAreThoseOfTheLastEvent()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                Check.Equal(NetworkEvent.Type.Connect, pair.Client.LastEvent.Type, "connect");
                Check.Equal(pair.ClientSide, pair.Client.LastEvent.Connection, "connection");
                pair.Step();
                Check.Equal(NetworkEvent.Type.Empty, pair.Client.LastEvent.Type,
                    "none since the update");
                Check.Equal(string.Empty, pair.Client.LastEvent.Text, "no text");
            }
        }

        public static void AFullQueueIsAnErrorAndThenWritable()
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.writableEvents = true;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(limits);
            using (Pair pair = Pair.Open(Road.Udp, settings))
            {
                int result = 0;
                int sent = 0;
                while (sent < 5000
                    && (result = pair.Client.Send(pair.ClientSide, new byte[8])) == 0)
                    sent++;
                Check.Status(StatusCode.NetworkSendQueueFull, result, "full");
                Check.Equal(512, sent, "sendQueueCapacity");
                DataStreamWriter writer;
                Check.Status(StatusCode.NetworkSendQueueFull,
                    pair.Client.BeginSend(pair.ClientSide, out writer), "full in place");
                pair.Client.ScheduleFlushSend().Complete();
                Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[8]),
                    "room after a flush");
                DataStreamReader reader;
                pair.Expect(pair.Client, NetworkEvent.Type.Writable, pair.ClientSide, out reader);
                Check.That(!reader.IsCreated, "nothing to read");
            }
        }
    }
}
