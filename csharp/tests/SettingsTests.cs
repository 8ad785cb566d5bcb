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

        /// <summary>What a program's own interface might be given.</summary>
        private struct OwnParameter : INetworkParameter
        {
            internal int Lanes;

            public bool Validate()
            {
                return Lanes > 0;
            }
        }

        public static void WhatWasSetIsReadByItsType()
        {
            NetworkSettings settings = new NetworkSettings();
            NetworkConfigParameter config;
            Check.That(!settings.TryGet(out config), "nothing was set");
            Check.Equal(0, config.maxMessageSize, "the type's default, not the driver's");
            settings.WithNetworkConfigParameters(maxMessageSize: 900)
                .WithReliableStageParameters(windowSize: 64).WithWebSocketParameters("/game");
            Check.That(settings.TryGet(out config), "set");
            Check.Equal(900, config.maxMessageSize, "as it was set");
            ReliableUtility.Parameters reliable;
            Check.That(settings.TryGet(out reliable) && reliable.WindowSize == 64, "a stage's");
            FragmentationUtility.Parameters fragments;
            Check.That(!settings.TryGet(out fragments), "of another stage");
            WebSocketParameter path;
            Check.That(settings.TryGet(out path) && path.Path == "/game", "an interface's");
            NetDriverParameter limits;
            Check.That(settings.WithPreset(NetworkPreset.Godot4).TryGet(out limits), "a preset's");
            Check.Equal(65535u, limits.webSocketMessageSizeMax, "largest message");
        }

        public static void RawParametersOfEveryKindAreKept()
        {
            NetworkSettings settings = new NetworkSettings();
            OwnParameter own = new OwnParameter { Lanes = 3 };
            settings.AddRawParameterStruct(ref own);
            own.Lanes = 4;
            settings.AddRawParameterStruct(ref own);
            NetworkConfigParameter config = NetworkConfigParameter.Default;
            config.maxMessageSize = 700;
            settings.AddRawParameterStruct(ref config);
            Check.Equal(700, settings.GetNetworkConfigParameters().maxMessageSize, "the same list");
            using (NetworkDriver driver = NetworkDriver.Create(settings))
            {
                own.Lanes = 5;
                settings.AddRawParameterStruct(ref own);
                Check.That(driver.CurrentSettings.TryGet(out own), "the driver has it");
                Check.Equal(4, own.Lanes, "a copy of the last one");
                driver.CurrentSettings.Dispose();
                Check.That(driver.CurrentSettings.TryGet(out config), "its own to keep");
            }
        }

        public static void ParametersThatCannotBeAreNotAdded()
        {
            Refuses(new OwnParameter());
            Refuses(default(NetworkConfigParameter));
            Refuses(default(NetDriverParameter));
            Refuses(new NetworkSimulatorParameter { SendPacketLossPercent = 101 });
            Refuses(default(FragmentationUtility.Parameters));
            Refuses(new ReliableUtility.Parameters { WindowSize = 2041, MaximumResendTime = 9 });
            Refuses(new SimulatorUtility.Parameters { PacketDelayMs = -1 });
            Refuses(default(WebSocketParameter));
            Takes(NetworkConfigParameter.Default);
            Takes(NetDriverParameter.Default);
            Takes(default(NetworkSimulatorParameter));
            Takes(FragmentationUtility.Parameters.Default);
            Takes(ReliableUtility.Parameters.Default);
            Takes(SimulatorUtility.Parameters.Default);
            Takes(new WebSocketParameter { Path = "/" });
        }

        private static void Refuses<T>(T parameter)
            where T : struct, INetworkParameter
        {
            NetworkSettings settings = new NetworkSettings();
            Check.Throws<ArgumentException>(
                () => settings.AddRawParameterStruct(ref parameter), typeof(T).Name);
            Check.That(!settings.TryGet(out parameter), "nothing was set");
        }

        private static void Takes<T>(T parameter)
            where T : struct, INetworkParameter
        {
            NetworkSettings settings = new NetworkSettings();
            settings.AddRawParameterStruct(ref parameter);
            T found;
            Check.That(settings.TryGet(out found) && found.Equals(parameter), typeof(T).Name);
        }

        public static void DisposedSettingsTakeAndGiveNothing()
        {
            NetworkSettings settings = new NetworkSettings()
                .WithNetworkConfigParameters(maxMessageSize: 800);
            NetworkSettings copy = settings;
            NetworkDriver driver = NetworkDriver.Create(settings);
            settings.Dispose();
            settings.Dispose();
            NetworkConfigParameter config;
            foreach (NetworkSettings gone in new[] { settings, copy })
            {
                NetworkSettings disposed = gone;
                Check.That(!disposed.IsCreated, "disposed");
                Check.Throws<ObjectDisposedException>(() => disposed.TryGet(out config), "read");
                Check.Throws<ObjectDisposedException>(
                    () => disposed.GetNetworkConfigParameters(), "get");
                Check.Throws<ObjectDisposedException>(
                    () => disposed.WithWebSocketParameters("/"), "set");
                Check.Throws<ObjectDisposedException>(
                    () => NetworkDriver.Create(disposed), "a driver");
            }
            using (driver)
                Check.Equal(800, driver.CurrentSettings.GetNetworkConfigParameters().maxMessageSize,
                    "the driver keeps its own");
            NetworkSettings never = new NetworkSettings();
            never.Dispose();
            Check.Throws<ObjectDisposedException>(() => never.TryGet(out config), "never set");
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
