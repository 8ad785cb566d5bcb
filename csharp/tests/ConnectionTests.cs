using System;
using NetDriver.Analytics;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>What must be the same on every road.</summary>
    [Tests]
    internal static class ConnectionTests
    {
        private static void OnEveryRoad(Action<Road> test)
        {
            foreach (Road road in Pair.All)
            {
                try
                {
                    test(road);
                }
                catch (CheckFailed failure)
                {
                    throw new CheckFailed(road + ": " + failure.Message + "\n"
                        + failure.StackTrace);
                }
            }
        }

        public static void AConnectionIsMadeAndAccepted()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Begin(road))
                {
                    Check.Equal(NetworkConnection.State.Connecting,
                        pair.Client.GetConnectionState(pair.ClientSide), "at once");
                    Check.Equal(default(NetworkConnection), pair.Server.Accept(),
                        "not before an update");
                    pair.Establish();
                    DataStreamReader reader;
                    pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide,
                        out reader);
                    Check.That(reader.IsCreated && reader.Length == 0, "no accept payload");
                    Pair.Silent(pair.Server);
                    Check.Equal(NetworkConnection.State.Connected,
                        pair.ServerSide.GetState(pair.Server), "server");
                    Check.Equal(pair.Server.GetLocalEndpoint(),
                        pair.Client.GetRemoteEndpoint(pair.ClientSide), "the server's address");
                    Check.That(pair.Server.GetRemoteEndpoint(pair.ServerSide).IsLoopback,
                        "the client's address");
                }
            });
        }

        public static void MessagesGoBothWays()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    DataStreamWriter writer;
                    Check.Equal(0, pair.Client.BeginSend(NetworkPipeline.Null, pair.ClientSide,
                        out writer), "begin");
                    writer.WriteUInt(42);
                    writer.WriteFixedString32("hello");
                    Check.Equal(11, pair.Client.EndSend(writer), "bytes sent");
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    Check.Equal(11, reader.Length, "length");
                    Check.Equal(42u, reader.ReadUInt(), "number");
                    Check.Equal("hello", reader.ReadFixedString32(), "text");
                    Check.That(!pair.Server.LastEvent.IsText, "binary");
                    Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[] { 1, 2, 3 }),
                        "send");
                    pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                    Check.Bytes(new byte[] { 1, 2, 3 }, reader.ReadRemainingBytes(), "answer");
                }
            });
        }

        public static void AMessageMayHaveNoBytes()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    DataStreamWriter writer;
                    Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer), "begin");
                    Check.Equal(0, pair.Client.EndSend(writer), "bytes sent");
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[0]), "send");
                    for (int i = 0; i < 2; i++)
                    {
                        DataStreamReader reader;
                        pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide,
                            out reader);
                        Check.That(reader.IsCreated && reader.Length == 0, "no bytes");
                    }
                }
            });
        }

        public static void TheLargestMessageArrivesAndALargerOneIsRefused()
        {
            OnEveryRoad(road =>
            {
                NetDriverParameter limits = NetDriverParameter.Default;
                limits.webSocketMessageSizeMax = 100000;
                NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(limits);
                using (Pair pair = Pair.Open(road, settings))
                {
                    int most = pair.Client.GetMaxSupportedPayloadSize(pair.ClientSide,
                        NetworkPipeline.Null);
                    int wanted = road == Road.WebSocketPlain ? 100000
                        : road == Road.WebSocketUtp ? 1376 : road == Road.Tcp ? 1388 : 1390;
                    Check.Equal(wanted, most, "payload size");
                    Check.Equal(road == Road.WebSocketPlain ? most : 1400,
                        pair.Client.GetMaxSupportedMessageSize(pair.ClientSide), "message size");
                    byte[] message = new byte[most];
                    new Random(3).NextBytes(message);
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, message), "largest");
                    Check.Status(StatusCode.NetworkPacketOverflow,
                        pair.Client.Send(pair.ClientSide, new byte[most + 1]), "larger");
                    DataStreamWriter writer;
                    Check.Status(StatusCode.NetworkPacketOverflow,
                        pair.Client.BeginSend(pair.ClientSide, out writer, most + 1),
                            "larger in place");
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    Check.Bytes(message, reader.ReadRemainingBytes(), "message");
                }
            });
        }

        public static void ARequiredSizeIsTheWritersCapacity()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    DataStreamWriter writer;
                    Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer, 6), "begin");
                    Check.Equal(6, writer.Capacity, "capacity");
                    Check.That(writer.WriteUInt(1) && !writer.WriteUInt(2), "4 of 6, then 4 of 2");
                    Check.Status(StatusCode.NetworkPacketOverflow, pair.Client.EndSend(writer),
                        "failed writes");
                    Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.EndSend(writer),
                        "it is over");
                }
            });
        }

        public static void TheOtherSideSeesADisconnectAndThisOneDoesNot()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    Check.Equal(0, pair.ClientSide.Disconnect(pair.Client), "disconnect");
                    Check.Equal(NetworkConnection.State.Disconnected,
                        pair.ClientSide.GetState(pair.Client), "state");
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide,
                        out reader);
                    Check.Equal(1, reader.Length, "one byte");
                    Check.Equal((byte)DisconnectReason.ClosedByRemote, reader.ReadByte(), "reason");
                    Check.Equal(DisconnectReason.ClosedByRemote, pair.Server.LastEvent.Reason,
                        "reason");
                    pair.For(50);
                    Pair.Silent(pair.Client);
                    Pair.Silent(pair.Server);
                    Check.Equal(NetworkConnection.State.Disconnected,
                        pair.ServerSide.GetState(pair.Server), "state");
                }
            });
        }

        public static void WhatWasSentBeforeADisconnectArrivesFirst()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    Check.Equal(0, pair.Server.Send(pair.ServerSide, new byte[] { 5 }), "send");
                    Check.Equal(0, pair.Server.Disconnect(pair.ServerSide), "disconnect");
                    DataStreamReader reader;
                    pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide, out reader);
                    Check.Equal((byte)5, reader.ReadByte(), "message");
                    pair.Expect(pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide,
                        out reader);
                }
            });
        }

        public static void PayloadsOfConnectAndAcceptAreHandedOver()
        {
            foreach (Road road in new[] { Road.Ipc, Road.Udp, Road.WebSocketUtp })
            {
                byte[] sent = { 9, 8, 7 };
                using (Pair pair = Pair.Begin(road, default(NetworkSettings), sent))
                {
                    Check.Equal(0, pair.Server.SetAcceptPayload(new byte[] { 1, 2 }), "set");
                    byte[] payload = null;
                    pair.Until(() => (pair.ServerSide = pair.Server.Accept(out payload)).IsCreated,
                        "accept");
                    Check.Bytes(sent, payload, "connect payload");
                    Check.Bytes(payload, pair.Server.GetConnectPayload(pair.ServerSide), "again");
                    DataStreamReader reader;
                    pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide,
                        out reader);
                    Check.Bytes(new byte[] { 1, 2 }, reader.ReadRemainingBytes(), "accept payload");
                    Check.Equal(default(NetworkConnection), pair.Server.Accept(out payload),
                        "no other");
                    Check.Equal(0, payload.Length, "no payload without a connection");
                }
            }
        }

        public static void InfoAndStatisticsCount()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    pair.Client.Send(pair.ClientSide, new byte[10]);
                    pair.Client.Send(pair.ClientSide, new byte[20]);
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    ConnectionInfo info;
                    Check.Equal(0, pair.Server.GetConnectionInfo(pair.ServerSide, out info),
                        "info");
                    Check.Equal(2UL, info.MessagesIn, "messages in");
                    Check.Equal(30UL, info.BytesIn, "bytes in");
                    Check.Equal(NetworkConnection.State.Connected, info.State, "state");
                    Check.Equal(road == Road.WebSocketPlain ? WebSocketDialect.Plain
                        : WebSocketDialect.Utp,
                        info.Dialect, "dialect");
                    Check.Equal(Pair.Interface(road).Describe().Kind, info.InterfaceKind, "kind");
                    DriverStatistics statistics = pair.Server.GetStatistics();
                    Check.Equal(1UL, statistics.ConnectionsIncoming, "incoming");
                    Check.Equal(2UL, statistics.MessagesIn, "messages in");
                    Check.Equal(2UL, pair.Client.GetStatistics().MessagesOut, "messages out");
                    Check.Equal(1u, statistics.Connections, "connections");
                }
            });
        }

        public static void NobodyAnswers()
        {
            NetworkSettings settings = new NetworkSettings();
            settings.WithNetworkConfigParameters(connectTimeoutMS: 20, maxConnectAttempts: 3);
            using (NetworkDriver silent = Pair.Listener(new UDPNetworkInterface()))
            using (NetworkDriver client = NetworkDriver.Create(settings))
            {
                NetworkConnection connection = client.Connect(silent.GetLocalEndpoint());
                NetworkConnection found = default(NetworkConnection);
                DataStreamReader reader = default(DataStreamReader);
                NetworkEvent.Type kind = NetworkEvent.Type.Empty;
                for (int i = 0; i < 400 && kind == NetworkEvent.Type.Empty; i++)
                {
                    client.Wait(10);
                    client.ScheduleUpdate().Complete();
                    kind = client.PopEvent(out found, out reader);
                }
                Check.Equal(NetworkEvent.Type.Disconnect, kind, "event");
                Check.Equal(connection, found, "connection");
                Check.Equal((byte)DisconnectReason.MaxConnectionAttempts, reader.ReadByte(),
                    "reason");
                Check.That(!client.LastEvent.IsClean && client.LastEvent.CloseCode == 0,
                    "no close code");
            }
        }

        public static void AHostNameIsLookedUp()
        {
            using (NetworkDriver server = Pair.Listener(new UDPNetworkInterface()))
            using (NetworkDriver client = NetworkDriver.Create())
            {
                NetworkConnection connection = client.Connect("localhost",
                    server.GetLocalEndpoint().Port);
                Check.That(connection.IsCreated, "connect");
                bool connected = false;
                for (int i = 0; i < 500 && !connected; i++)
                {
                    client.Wait(5);
                    client.ScheduleUpdate().Complete();
                    server.ScheduleUpdate().Complete();
                    connected = connection.GetState(client) == NetworkConnection.State.Connected;
                }
                Check.That(connected, "connected by name");
            }
        }

        public static void OneMessageGoesToMany()
        {
            OnEveryRoad(road =>
            {
                using (Pair pair = Pair.Open(road))
                {
                    NetworkConnection[] targets =
                    {
                        pair.ServerSide, NetworkConnection.FromValue(99UL << 32 | 77),
                        pair.ServerSide,
                    };
                    int[] results = new int[3];
                    Check.Equal(2, pair.Server.SendToMany(targets, new byte[] { 1, 2 }, results),
                        "sent");
                    Check.Equal(0, results[0], "first");
                    Check.Status(StatusCode.NetworkIdMismatch, results[1], "stranger");
                    Check.Equal(0, results[2], "third");
                    for (int i = 0; i < 2; i++)
                    {
                        DataStreamReader reader;
                        pair.Expect(pair.Client, NetworkEvent.Type.Data, pair.ClientSide,
                            out reader);
                        Check.Bytes(new byte[] { 1, 2 }, reader.ReadRemainingBytes(), "message");
                    }
                }
            });
        }

        public static void SeveralInterfacesAndEndpointsAreOneServer()
        {
            using (NetworkDriver server = NetworkDriver.Create())
            using (NetworkDriver client = NetworkDriver.Create())
            {
                int webSocket = server.AddInterface(new WebSocketNetworkInterface());
                Check.Equal(1, webSocket, "number");
                Check.Equal(0, server.Bind(NetworkEndpoint.LoopbackIpv4), "UDP");
                Check.Equal(0, server.Bind(webSocket, NetworkEndpoint.LoopbackIpv4), "WebSocket");
                Check.Equal(0, server.Bind(webSocket, NetworkEndpoint.LoopbackIpv4), "one more");
                Check.Equal(0, server.Listen(), "listen");
                int own = client.AddInterface(new WebSocketNetworkInterface());
                NetworkConnection[] connections =
                {
                    client.Connect(server.GetLocalEndpoint()),
                    client.Connect(own, server.GetLocalEndpoint(webSocket, 0)),
                    client.Connect("ws://127.0.0.1:" + server.GetLocalEndpoint(webSocket, 1).Port
                        + "/"),
                };
                int accepted = 0;
                for (int i = 0; i < 1000 && accepted < 3; i++)
                {
                    client.ScheduleUpdate().Complete();
                    server.Wait(5);
                    server.ScheduleUpdate().Complete();
                    while (server.Accept() != default(NetworkConnection))
                        accepted++;
                }
                Check.Equal(3, accepted, "accepted");
                Check.That(!server.GetLocalEndpoint(webSocket, 2).IsValid, "no third endpoint");
                // An answer may be on its way when the server has accepted.
                foreach (NetworkConnection connection in connections)
                {
                    for (int i = 0; i < 1000 && connection.GetState(client)
                        == NetworkConnection.State.Connecting; i++)
                    {
                        client.Wait(5);
                        client.ScheduleUpdate().Complete();
                        server.ScheduleUpdate().Complete();
                    }
                    Check.Equal(NetworkConnection.State.Connected, connection.GetState(client),
                        "state");
                }
            }
        }
    }
}
