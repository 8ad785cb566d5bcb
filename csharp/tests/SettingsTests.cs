using System;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class SettingsTests
    {
        public static void ASettingOutOfRangeIsNamed()
        {
            Refused("connect_timeout_ms", s => s.WithNetworkConfigParameters(connectTimeoutMS: -1));
            Refused("max_connect_attempts",
                s => s.WithNetworkConfigParameters(maxConnectAttempts: -1));
            Refused("disconnect_timeout_ms",
                s => s.WithNetworkConfigParameters(disconnectTimeoutMS: -1));
            Refused("heartbeat_timeout_ms",
                s => s.WithNetworkConfigParameters(heartbeatTimeoutMS: -1));
            Refused("reconnection_timeout_ms",
                s => s.WithNetworkConfigParameters(reconnectionTimeoutMS: -1));
            Refused("max_frame_time_ms", s => s.WithNetworkConfigParameters(maxFrameTimeMS: -1));
            Refused("fixed_frame_time_ms",
                s => s.WithNetworkConfigParameters(fixedFrameTimeMS: -1));
            Refused("receive_queue_capacity",
                s => s.WithNetworkConfigParameters(receiveQueueCapacity: 0));
            Refused("send_queue_capacity",
                s => s.WithNetworkConfigParameters(sendQueueCapacity: 0));
            Refused("max_message_size", s => s.WithNetworkConfigParameters(maxMessageSize: 0));
            Refused("max_message_size", s => s.WithNetworkConfigParameters(maxMessageSize: 1473));
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.headSizeMax = 255;
            Refused("head_size_max", s => s.WithNetDriverParameters(limits));
            limits = NetDriverParameter.Default;
            limits.connectionsMax = 0;
            Refused("connections_max", s => s.WithNetDriverParameters(limits));
            limits = NetDriverParameter.Default;
            limits.silenceTimeoutMS = -1;
            Refused("silence_timeout_ms", s => s.WithNetDriverParameters(limits));
            limits = NetDriverParameter.Default;
            limits.unvalidatedConnectionsMax = 0;
            Refused("unvalidated_connections_max", s => s.WithNetDriverParameters(limits));
            limits = NetDriverParameter.Default;
            limits.roundTripIntervalMS = -1;
            Refused("round_trip_interval_ms", s => s.WithNetDriverParameters(limits));
        }

        public static void ASecondCallReplacesTheFirst()
        {
            NetworkSettings settings = new NetworkSettings();
            settings.WithNetworkConfigParameters(connectTimeoutMS: 5, maxConnectAttempts: 3);
            settings.WithNetworkConfigParameters(connectTimeoutMS: 6);
            Check.Equal(6, settings.GetNetworkConfigParameters().connectTimeoutMS, "replaced");
            Check.Equal(60, settings.GetNetworkConfigParameters().maxConnectAttempts,
                "back to the default");
        }

        public static void CallsCanBeChained()
        {
            NetworkSettings settings = new NetworkSettings()
                .WithNetworkConfigParameters(maxMessageSize: 1000)
                .WithWebSocketParameters("/game")
                .WithNetworkSimulatorParameters(sendPacketLossPercent: 1);
            Check.That(settings.IsCreated, "created");
            Check.Equal(1000, settings.GetNetworkConfigParameters().maxMessageSize, "first");
            Check.Equal("/game", settings.GetWebSocketParameters().Path, "second");
            NetworkSimulatorParameter simulator;
            Check.That(settings.TryGetNetworkSimulatorParameters(out simulator), "third");
            Check.Equal(1.0f, simulator.SendPacketLossPercent, "third");
        }

        public static unsafe void APresetIsThatOfTheLibrary()
        {
            foreach (NetworkPreset preset in Enum.GetValues(typeof(NetworkPreset)))
            {
                Interop.nd_settings wanted;
                Check.Equal(0, Interop.NativeMethods.nd_settings_init_preset(&wanted, (uint)preset),
                    "init");
                Interop.nd_settings made = new NetworkSettings().WithPreset(preset).ToNative();
                for (int i = 0; i < sizeof(Interop.nd_settings); i++)
                    Check.Equal(((byte*)&wanted)[i], ((byte*)&made)[i], preset + ", byte " + i);
                using (NetworkDriver driver = NetworkDriver.Create(
                    new NetworkSettings().WithPreset(preset)))
                    Check.That(driver.IsCreated, "a driver with " + preset);
            }
            Check.Throws<ArgumentOutOfRangeException>(
                () => new NetworkSettings().WithPreset((NetworkPreset)5), "no such preset");
        }

        public static void APresetIsAStart()
        {
            NetworkSettings settings = new NetworkSettings().WithPreset(NetworkPreset.Godot4);
            NetDriverParameter limits = settings.GetNetDriverParameters();
            Check.Equal(65535u, limits.webSocketMessageSizeMax, "largest message");
            Check.Equal(SubProtocolRule.Strict, limits.subProtocolRule, "rule");
            Check.Equal(4096, settings.GetNetworkConfigParameters().receiveQueueCapacity, "queue");
            limits.pingIntervalMS = 700;
            settings.WithNetDriverParameters(limits);
            Check.Equal(700, settings.GetNetDriverParameters().pingIntervalMS, "changed");
            Check.Equal(3000, settings.GetNetDriverParameters().handshakeTimeoutMS, "kept");
        }

        public static void ADriverCopiesItsSettings()
        {
            NetworkSettings settings = new NetworkSettings();
            settings.WithNetworkConfigParameters(maxMessageSize: 600);
            using (NetworkDriver driver = NetworkDriver.Create(settings))
            {
                settings.WithNetworkConfigParameters(maxMessageSize: 700);
                Check.Equal(600, driver.CurrentSettings.GetNetworkConfigParameters().maxMessageSize, "copy");
            }
        }

        public static void InterfacesCanBeGivenByReference()
        {
            WebSocketNetworkInterface webSocket = new WebSocketNetworkInterface();
            using (NetworkDriver driver = NetworkDriver.Create(ref webSocket))
                Check.Equal(24, driver.MaxHeaderSize(NetworkPipeline.Null), "header of WebSocket");
            IPCNetworkInterface ipc = new IPCNetworkInterface();
            using (NetworkDriver driver = NetworkDriver.Create(ref ipc, new NetworkSettings()))
                Check.Equal(10, driver.MaxHeaderSize(NetworkPipeline.Null), "header of IPC");
            TCPNetworkInterface tcp = new TCPNetworkInterface();
            using (NetworkDriver driver = NetworkDriver.Create(ref tcp))
                Check.Equal(12, driver.MaxHeaderSize(NetworkPipeline.Null), "header of TCP");
            using (NetworkDriver driver = NetworkDriver.Create())
            {
                Check.Equal(10, driver.MaxHeaderSize(NetworkPipeline.Null), "header of UDP");
                Check.Equal(1, driver.AddInterface(new WebSocketNetworkInterface()),
                    "second interface");
                Check.Equal(24, driver.MaxHeaderSize(NetworkPipeline.Null), "widest header");
            }
        }

        public static void ABadInterfaceIsRefused()
        {
            NetDriverException error = Check.Throws<NetDriverException>(
                () => NetworkDriver.Create(new WebSocketNetworkInterface { Path = "game" }),
                    "path");
            Check.Equal(StatusCode.InvalidArgument, error.Status, "status");
            Check.That(error.Message.IndexOf("path", StringComparison.OrdinalIgnoreCase) >= 0,
                error.Message);
            Check.Throws<NetDriverException>(() =>
                NetworkDriver.Create(new WebSocketNetworkInterface(),
                new NetworkSettings().WithWebSocketParameters("")), "empty path");
            Check.Throws<ArgumentException>(() => NetworkDriver.Create(
                new WebSocketNetworkInterface { SubProtocols = new[] { "a,b" } }), "sub-protocol");
            Check.Throws<ArgumentNullException>(() => NetworkDriver.Create(null), "no interface");
            Check.Throws<NetDriverException>(
                () => NetworkDriver.Create(new Strange()), "an interface of no known kind");
        }

        public static void ABadSimulatorIsRefused()
        {
            NetworkSettings settings = new NetworkSettings()
                .WithNetworkSimulatorParameters(receivePacketLossPercent: 101);
            Check.Throws<NetDriverException>(() => NetworkDriver.Create(settings), "101 percent");
            using (NetworkDriver driver = NetworkDriver.Create())
            {
                NetworkSimulatorParameter simulator = default(NetworkSimulatorParameter);
                Check.Equal(0, driver.ModifyNetworkSimulatorParameters(simulator),
                    "a good network");
                simulator.SendDuplicatePercent = -1;
                Check.Status(StatusCode.InvalidArgument,
                    driver.ModifyNetworkSimulatorParameters(simulator), "-1 percent");
            }
        }

        private struct Strange : INetworkInterface
        {
            public NetworkInterfaceDescription Describe()
            {
                return default(NetworkInterfaceDescription);
            }
        }

        private static void Refused(string field, Func<NetworkSettings, NetworkSettings> set)
        {
            NetworkSettings settings = set(new NetworkSettings());
            NetDriverException error = Check.Throws<NetDriverException>(
                () => NetworkDriver.Create(settings), field);
            Check.Equal(StatusCode.InvalidArgument, error.Status, field);
            Check.That(error.Message.Contains(field), "names " + field + ": " + error.Message);
        }
    }
}
