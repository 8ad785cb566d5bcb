using System;
using System.Collections.Generic;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Every misuse is a status number, never a crash.</summary>
    [Tests]
    internal static class MisuseTests
    {
        public static void AWriterIsEndedOnce()
        {
            using (Pair pair = Pair.Open(Road.Udp))
            {
                DataStreamWriter writer;
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer), "begin");
                writer.WriteByte(1);
                Check.Equal(1, pair.Client.EndSend(writer), "end");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.EndSend(writer),
                    "end twice");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.AbortSend(writer),
                    "abort after end");
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer), "begin");
                Check.Equal(0, pair.Client.AbortSend(writer), "abort");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.AbortSend(writer),
                    "abort twice");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.EndSend(writer),
                    "end after abort");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.Equal((byte)1, reader.ReadByte(), "message");
                pair.For(20);
                Pair.Silent(pair.Server);
            }
        }

        public static void AnUpdateEndsOpenWriters()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                DataStreamWriter writer;
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out writer), "begin");
                pair.Client.ScheduleUpdate().Complete();
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.EndSend(writer),
                    "end");
            }
        }

        public static void WritersOfOthersAreRefused()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                DataStreamWriter writer;
                Check.Status(StatusCode.NetworkSendHandleInvalid,
                    pair.Client.EndSend(default(DataStreamWriter)), "none");
                Check.Status(StatusCode.NetworkSendHandleInvalid,
                    pair.Client.EndSend(new DataStreamWriter(8)), "one of its own");
                Check.Equal(0, pair.Server.BeginSend(pair.ServerSide, out writer), "begin");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.EndSend(writer),
                    "other driver");
                Check.Status(StatusCode.NetworkSendHandleInvalid, pair.Client.AbortSend(writer),
                    "other driver");
                Check.Equal(0, pair.Server.EndSend(writer), "its driver");
            }
        }

        public static void OpenWritersLeaveInTheOrderOfTheirEnds()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                DataStreamWriter first;
                DataStreamWriter second;
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out first), "begin");
                Check.Equal(0, pair.Client.BeginSend(pair.ClientSide, out second), "begin");
                first.WriteByte(1);
                second.WriteByte(2);
                Check.Equal(1, pair.Client.EndSend(second), "end");
                Check.Equal(1, pair.Client.EndSend(first), "end");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.Equal((byte)2, reader.ReadByte(), "ended first");
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                Check.Equal((byte)1, reader.ReadByte(), "ended second");
            }
        }

        public static void StaleAndUnknownConnections()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                NetworkConnection unknown = NetworkConnection.FromValue(1UL << 32 | 500);
                AllRefuse(pair.Client, unknown, StatusCode.NetworkIdMismatch);
                AllRefuse(pair.Client, default(NetworkConnection), StatusCode.NetworkIdMismatch);
                NetworkConnection old = pair.ClientSide;
                Check.Equal(0, old.Close(pair.Client), "close");
                pair.For(20);
                AllRefuse(pair.Client, old, StatusCode.NetworkVersionMismatch);
                pair.ClientSide = pair.Client.Connect(pair.Server.GetLocalEndpoint());
                Check.That(pair.ClientSide != old, "another value");
                AllRefuse(pair.Client, old, StatusCode.NetworkVersionMismatch);
                Check.Equal(NetworkConnection.State.Connecting,
                    pair.ClientSide.GetState(pair.Client), "new one");
            }
        }

        private static void AllRefuse(NetworkDriver driver, NetworkConnection connection,
            StatusCode wanted)
        {
            DataStreamWriter writer;
            DataStreamReader reader;
            ConnectionInfo info;
            Check.Status(wanted, driver.BeginSend(connection, out writer), "BeginSend");
            Check.That(!writer.IsCreated, "no writer");
            Check.Status(wanted, driver.Send(connection, new byte[1]), "Send");
            Check.Status(wanted, driver.SendText(connection, "x"), "SendText");
            Check.Status(wanted, driver.Disconnect(connection), "Disconnect");
            Check.Status(wanted, driver.Close(connection, 1000), "Close");
            Check.Status(wanted, driver.GetConnectionInfo(connection, out info),
                "GetConnectionInfo");
            Check.Status(wanted, driver.GetMaxSupportedPayloadSize(connection,
                NetworkPipeline.Null), "payload size");
            Check.Status(wanted, driver.GetMaxSupportedMessageSize(connection), "message size");
            Check.Equal(NetworkConnection.State.Disconnected,
                driver.GetConnectionState(connection), "state");
            Check.Equal(NetworkEvent.Type.Empty, driver.PopEventForConnection(connection,
                out reader), "event");
            Check.Equal(0, driver.GetEventQueueSizeForConnection(connection), "events");
            Check.That(!driver.GetRemoteEndpoint(connection).IsValid, "remote endpoint");
            Check.Equal(string.Empty, driver.GetConnectionText(connection, ConnectionText.Path),
                "text");
            Check.Equal(null, driver.GetConnectionHeader(connection, "Host"), "header");
            Check.Equal(0, driver.GetConnectPayload(connection).Length, "connect payload");
        }

        public static void AConnectionThatIsNotConnectedTakesNoMessage()
        {
            using (Pair pair = Pair.Begin(Road.Udp))
            {
                DataStreamWriter writer;
                Check.Status(StatusCode.NetworkStateMismatch,
                    pair.Client.BeginSend(pair.ClientSide, out writer), "BeginSend");
                Check.Status(StatusCode.NetworkStateMismatch,
                    pair.Client.Send(pair.ClientSide, new byte[1]), "Send");
            }
        }

        public static void ADisposedDriverRefusesEverything()
        {
            Pair pair = Pair.Open(Road.Udp);
            NetworkDriver driver = pair.Client;
            DataStreamWriter writer;
            Check.Equal(0, driver.BeginSend(pair.ClientSide, out writer), "begin");
            Check.That(driver.IsCreated, "created");
            driver.Dispose();
            Check.That(!driver.IsCreated && !pair.Client.IsCreated, "all copies are disposed");
            driver.Dispose();
            Check.Status(StatusCode.InvalidHandle, driver.EndSend(writer), "EndSend");
            Check.Status(StatusCode.InvalidHandle, driver.AbortSend(writer), "AbortSend");
            Dead(driver, pair.ClientSide);
            Dead(default(NetworkDriver), pair.ClientSide);
            pair.Dispose();
        }

        private static void Dead(NetworkDriver driver, NetworkConnection connection)
        {
            DataStreamWriter writer;
            DataStreamReader reader;
            NetworkConnection found;
            ConnectionInfo info;
            byte[] payload;
            const StatusCode wanted = StatusCode.InvalidHandle;
            driver.ScheduleUpdate().Complete();
            driver.ScheduleFlushSend().Complete();
            Check.That(!driver.Wait(0) && !driver.Bound && !driver.Listening, "nothing");
            Check.Status(wanted, driver.Bind(NetworkEndpoint.LoopbackIpv4), "Bind");
            Check.Status(wanted, driver.Listen(), "Listen");
            Check.Status(wanted, driver.AddInterface(new IPCNetworkInterface()), "AddInterface");
            Check.Status(wanted, driver.Wake(), "Wake");
            Check.Status(wanted, driver.SetAcceptPayload(new byte[1]), "SetAcceptPayload");
            Check.Status(wanted, driver.SetDocument(0, "/", "text/html", new byte[1]),
                "SetDocument");
            Check.Status(wanted, driver.RemoveDocument(0, "/"), "RemoveDocument");
            Check.Status(wanted, driver.ModifyNetworkSimulatorParameters(
                default(NetworkSimulatorParameter)), "ModifyNetworkSimulatorParameters");
            Check.Status(wanted, driver.BeginSend(connection, out writer), "BeginSend");
            Check.Status(wanted, driver.EndSend(default(DataStreamWriter)), "EndSend");
            Check.Status(wanted, driver.Send(connection, new byte[1]), "Send");
            Check.Status(wanted, driver.SendText(connection, "x"), "SendText");
            Check.Status(wanted, driver.SendToMany(new[] { connection }, new byte[1]),
                "SendToMany");
            Check.Status(wanted, driver.Disconnect(connection), "Disconnect");
            Check.Status(wanted, driver.Close(connection, 1000, "x"), "Close");
            Check.Status(wanted, driver.GetConnectionInfo(connection, out info),
                "GetConnectionInfo");
            Check.Status(wanted, driver.GetMaxSupportedMessageSize(connection), "message size");
            Check.Equal(default(NetworkConnection), driver.Accept(), "Accept");
            Check.Equal(default(NetworkConnection), driver.Accept(out payload), "Accept");
            Check.Equal(default(NetworkConnection),
                driver.Connect(NetworkEndpoint.LoopbackIpv4.WithPort(9)), "Connect");
            Check.Equal(default(NetworkConnection), driver.Connect("localhost", 9), "Connect");
            Check.Equal(default(NetworkConnection), driver.Connect("ws://localhost:9/"), "Connect");
            Check.Equal(NetworkEvent.Type.Empty, driver.PopEvent(out found, out reader),
                "PopEvent");
            Check.Equal(NetworkEvent.Type.Empty, driver.PopEventForConnection(connection,
                out reader), "PopEvent");
            Check.Equal(NetworkEvent.Type.Empty, driver.LastEvent.Type, "LastEvent");
            Check.Equal(0, driver.GetEventQueueSizeForConnection(connection), "queue");
            Check.Equal(0UL, driver.GetStatistics().MessagesIn, "statistics");
            Check.That(!driver.GetLocalEndpoint().IsValid, "local endpoint");
        }

        public static void BindAndListenReportWhatIsWrong()
        {
            using (NetworkDriver driver = NetworkDriver.Create())
            using (NetworkDriver other = NetworkDriver.Create())
            {
                Check.Status(StatusCode.NetworkIdMismatch, driver.Listen(), "nothing bound");
                Check.Status(StatusCode.InvalidArgument, driver.Bind(default(NetworkEndpoint)),
                    "no address");
                Check.Status(StatusCode.InvalidArgument,
                    driver.Bind(7, NetworkEndpoint.LoopbackIpv4), "no such interface");
                Check.Status(StatusCode.InvalidArgument,
                    driver.Bind(-1, NetworkEndpoint.LoopbackIpv4), "no such interface");
                Check.Equal(0, driver.Bind(NetworkEndpoint.LoopbackIpv4), "bind");
                Check.Status(StatusCode.NetworkSocketError,
                    other.Bind(driver.GetLocalEndpoint()), "address in use");
                Check.That(NetDriverLibrary.LastError.Length > 0, "in words");
                Check.That(!driver.GetLocalEndpoint(3, 3).IsValid, "no such endpoint");
            }
        }

        public static void ConnectsThatCannotWorkGiveNoConnection()
        {
            using (NetworkDriver driver = NetworkDriver.Create())
            {
                NetworkConnection none = default(NetworkConnection);
                Check.Equal(none, driver.Connect(default(NetworkEndpoint)), "no address");
                Check.Equal(none, driver.Connect(5, NetworkEndpoint.LoopbackIpv4.WithPort(9)),
                    "no such interface");
                Check.Equal(none, driver.Connect(
                    NetworkEndpoint.LoopbackIpv4.WithPort(9), new byte[1376]), "payload too long");
                Check.Equal(none, driver.Connect("http://localhost/"), "not ws");
                Check.Equal(none, driver.Connect("wss://localhost/", new ConnectOptions
                {
                    Tls = new TlsClientOptions { UseSystemRoots = false },
                }), "trusts nobody");
                Check.That(NetDriverLibrary.LastError.Length > 0, "in words");
                Check.Throws<ArgumentNullException>(() => driver.Connect((string)null), "no URL");
                Check.Throws<ArgumentException>(() => driver.Connect("a\0b", 1), "NUL in a name");
                ConnectOptions options = new ConnectOptions
                {
                    Headers = new Dictionary<string, string> { { "A", "b\r\nC: d" } },
                };
                Check.Throws<ArgumentException>(
                    () => driver.Connect("ws://localhost:9/", options), "a header with a line end");
            }
        }

        public static void WrongArgumentsThrow()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                NetworkDriver driver = pair.Client;
                NetworkConnection connection = pair.ClientSide;
                Check.Throws<ArgumentNullException>(() => driver.Send(connection, (byte[])null),
                    "Send");
                Check.Throws<ArgumentNullException>(() => driver.SendText(connection, null),
                    "SendText");
                Check.Throws<ArgumentOutOfRangeException>(
                    () => driver.Send(connection, new byte[4], 3, 2), "Send");
                Check.Throws<ArgumentOutOfRangeException>(() => driver.Wait(-1), "Wait");
                Check.Throws<ArgumentNullException>(() => driver.SendToMany(null, new byte[1]),
                    "SendToMany");
                Check.Throws<ArgumentException>(
                    () => driver.SendToMany(new NetworkConnection[2], new byte[1], new int[1]),
                        "SendToMany");
                Check.Throws<ArgumentNullException>(() => driver.AddInterface(null),
                    "AddInterface");
                Check.Status(StatusCode.InvalidArgument, driver.Close(connection, 1005),
                    "close code");
                Check.Status(StatusCode.InvalidArgument, driver.Close(connection, -1),
                    "close code");
                Check.Status(StatusCode.InvalidArgument,
                    driver.Close(connection, 1000, new string('x', 124)), "close reason");
                Check.Equal(NetworkConnection.State.Connected, connection.GetState(driver),
                    "still open");
                Check.Status(StatusCode.InvalidArgument, driver.SendText(connection, "x"),
                    "no text in UTP");
            }
        }

        public static void TheLogTakesACallback()
        {
            int lines = 0;
            Check.Equal(0, NetDriverLog.SetCallback(NetDriverLogLevel.Info, (level, text) =>
            {
                Check.That(text.Length > 0, "a text");
                lines++;
                throw new InvalidOperationException("must not reach the library");
            }), "set");
            try
            {
                using (Pair pair = Pair.Open(Road.Udp))
                    pair.Step();
                Check.That(lines > 0, "a line for a connection");
                Check.Status(StatusCode.InvalidArgument,
                    NetDriverLog.SetCallback((NetDriverLogLevel)9, (level, text) => { }), "level");
            }
            finally
            {
                Check.Equal(0, NetDriverLog.SetCallback(NetDriverLogLevel.None, null), "stop");
            }
            int before = lines;
            using (Pair pair = Pair.Open(Road.Udp))
                pair.Step();
            Check.Equal(before, lines, "no line after the stop");
        }
    }
}
