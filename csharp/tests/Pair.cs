using System;
using System.Diagnostics;

namespace NetDriver.Tests
{
    /// <summary>What a test travels on.</summary>
    internal enum Road
    {
        Ipc,
        Udp,
        Tcp,
        WebSocketUtp,
        WebSocketPlain,
    }

    /// <summary>A server and a client, and how they are moved until something is true.</summary>
    internal sealed class Pair : IDisposable
    {
        internal static readonly Road[] All =
        {
            Road.Ipc, Road.Udp, Road.Tcp, Road.WebSocketUtp, Road.WebSocketPlain,
        };

        private const int PatienceMS = 60000;

        /// <summary>Settings with which a driver speaks Unity Transport and no more.</summary>
        internal static NetworkSettings Stock
        {
            get
            {
                NetDriverParameter parameter = NetDriverParameter.Default;
                parameter.session = false;
                return new NetworkSettings().WithNetDriverParameters(parameter);
            }
        }

        internal NetworkDriver Server;
        internal NetworkDriver Client;
        /// <summary>The connection as the server accepted it.</summary>
        internal NetworkConnection ServerSide;
        /// <summary>The connection as the client made it.</summary>
        internal NetworkConnection ClientSide;

        internal static INetworkInterface Interface(Road road)
        {
            switch (road)
            {
                case Road.Ipc:
                    return new IPCNetworkInterface();
                case Road.Udp:
                    return new UDPNetworkInterface();
                case Road.Tcp:
                    return new TCPNetworkInterface();
                case Road.WebSocketUtp:
                    return new WebSocketNetworkInterface { Dialect = WebSocketDialect.Utp };
                default:
                    return new WebSocketNetworkInterface { Dialect = WebSocketDialect.Plain };
            }
        }

        internal static NetworkDriver Listener(
            INetworkInterface networkInterface, NetworkSettings settings = default(NetworkSettings))
        {
            NetworkDriver driver = NetworkDriver.Create(networkInterface, settings);
            Check.Equal(0, driver.Bind(NetworkEndpoint.LoopbackIpv4), "bind");
            Check.Equal(0, driver.Listen(), "listen");
            Check.That(driver.Bound && driver.Listening, "bound and listening");
            return driver;
        }

        internal static string Url(NetworkDriver server, string rest = "/")
        {
            return "ws://127.0.0.1:" + server.GetLocalEndpoint().Port + rest;
        }

        /// <summary>Two drivers; the client has begun to connect.</summary>
        internal static Pair Begin(
            Road road, NetworkSettings settings = default(NetworkSettings), byte[] payload = null)
        {
            Pair pair = new Pair();
            pair.Server = Listener(Interface(road), settings);
            pair.Client = NetworkDriver.Create(Interface(road), settings);
            pair.ClientSide = road == Road.WebSocketPlain ? pair.Client.Connect(Url(pair.Server))
                : pair.Client.Connect(pair.Server.GetLocalEndpoint(), payload);
            Check.That(pair.ClientSide.IsCreated, "connect: " + NetDriverLibrary.LastError);
            return pair;
        }

        /// <summary>Two drivers and an established connection, its Connect event popped.</summary>
        internal static Pair Open(Road road, NetworkSettings settings = default(NetworkSettings))
        {
            Pair pair = Begin(road, settings);
            pair.Establish();
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
            Check.Equal(0, reader.Length, "accept payload");
            return pair;
        }

        internal void Establish()
        {
            Until(() =>
            {
                if (!ServerSide.IsCreated)
                    ServerSide = Server.Accept();
                return ServerSide.IsCreated
                    && ClientSide.GetState(Client) == NetworkConnection.State.Connected;
            }, "the connection is established");
        }

        /// <summary>Updates both until the condition holds.</summary>
        internal void Until(Func<bool> condition, string what)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (!condition())
            {
                Check.That(watch.ElapsedMilliseconds < PatienceMS, "in time: " + what);
                Step();
            }
        }

        /// <summary>Updates both for a while.</summary>
        internal void For(int milliseconds)
        {
            Stopwatch watch = Stopwatch.StartNew();
            while (watch.ElapsedMilliseconds < milliseconds)
                Step();
        }

        internal void Step()
        {
            Client.ScheduleUpdate().Complete();
            Server.Wait(1);
            Server.ScheduleUpdate().Complete();
            Client.Wait(1);
        }

        /// <summary>
        /// Waits for the next event of a driver, and checks what and whose it is.
        /// </summary>
        internal void Expect(
            NetworkDriver driver, NetworkEvent.Type kind, NetworkConnection connection,
            out DataStreamReader reader)
        {
            NetworkConnection found = default(NetworkConnection);
            DataStreamReader bytes = default(DataStreamReader);
            NetworkEvent.Type popped = NetworkEvent.Type.Empty;
            Until(() => (popped = driver.PopEvent(out found, out bytes)) != NetworkEvent.Type.Empty,
                "an event of kind " + kind);
            Check.Equal(kind, popped, "kind of event");
            Check.Equal(connection, found, "whose event");
            reader = bytes;
        }

        /// <summary>Nothing waits in the driver.</summary>
        internal static void Silent(NetworkDriver driver)
        {
            NetworkConnection connection;
            DataStreamReader reader;
            Check.Equal(NetworkEvent.Type.Empty, driver.PopEvent(out connection, out reader),
                "event");
            Check.Equal(default(NetworkConnection), connection, "connection of no event");
            Check.That(!reader.IsCreated, "no reader without an event");
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
