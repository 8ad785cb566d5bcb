using System;
using System.Text;
using NetDriver.Analytics;
using NetDriver.Error;
using NetDriver.Logging;
using NetDriver.TLS;
using NetDriver.Utilities;

namespace NetDriver.Tests
{
    /// <summary>Members that are there because Unity Transport has them.</summary>
    [Tests]
    internal static unsafe class TransportNamesTests
    {
        private static readonly StreamCompressionModel s_Model = StreamCompressionModel.Default;

        public static void SettingsOfWhichNothingWasSetAreSettings()
        {
            NetworkSettings settings = default(NetworkSettings);
            Check.That(settings.IsCreated, "nothing set");
            NetworkSettings view = settings.AsReadOnly();
            Check.That(view.IsCreated, "read-only");
            settings.WithNetworkConfigParameters(maxMessageSize: 700);
            Check.Equal(700, view.GetNetworkConfigParameters().maxMessageSize, "seen there");
            settings.Dispose();
            Check.That(!settings.IsCreated && !view.IsCreated, "disposed");
        }

        public static void ReadOnlySettingsAreNotChanged()
        {
            NetworkSettings settings = new NetworkSettings().WithReliableStageParameters(64);
            NetworkSettings view = settings.AsReadOnly().AsReadOnly();
            NetworkConfigParameter config = NetworkConfigParameter.Default;
            Check.Throws<InvalidOperationException>(
                () => view.AddRawParameterStruct(ref config), "raw");
            Check.Throws<InvalidOperationException>(
                () => view.WithFragmentationStageParameters(9000), "with");
            Check.Throws<InvalidOperationException>(
                () => view.WithSecureClientParameters("name"), "secure");
            Check.Equal(64, view.GetReliableStageParameters().WindowSize, "read");
            Check.Equal(4096, settings.GetFragmentationStageParameters().PayloadCapacity, "same");
            using (NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface(), view))
                Check.That(driver.IsCreated, "a driver with them");
        }

        public static void ADriversNameIsKeptInItsSettings()
        {
            NetworkSettings settings = new NetworkSettings().WithLoggingParameters("lobby");
            using (NetworkDriver driver =
                NetworkDriver.Create(new IPCNetworkInterface(), settings))
            {
                LoggingParameter kept;
                Check.That(driver.CurrentSettings.TryGet(out kept), "kept");
                Check.Equal("lobby", kept.DriverName, "name");
            }
            LoggingParameter none = default(LoggingParameter);
            Check.That(!none.Validate(), "no name");
            none.DriverName = string.Empty;
            Check.Throws<ArgumentException>(
                () => new NetworkSettings().AddRawParameterStruct(ref none), "empty");
        }

        public static void APemTextIsAValue()
        {
            FixedPEMString text = new FixedPEMString("-----BEGIN");
            Check.Equal(10, text.Length, "length");
            Check.Equal("-----BEGIN", text.ToString(), "text");
            Check.Equal(0, default(FixedPEMString).Length, "default");
            Check.Equal(string.Empty, new FixedPEMString(null).ToString(), "null");
            string most = new string('x', FixedPEMString.MaxLength);
            Check.Equal(most, new FixedPEMString(most).ToString(), "the most");
            Check.Throws<ArgumentException>(() => new FixedPEMString(most + "x"), "too long");
        }

        public static void SecureParametersAreOneStruct()
        {
            NetworkSettings settings = new NetworkSettings();
            Check.Throws<InvalidOperationException>(
                () => settings.GetSecureParameters(), "nothing said");
            settings.WithSecureClientParameters("ca", "server");
            SecureNetworkProtocolParameter client = settings.GetSecureParameters();
            Check.Equal("ca", client.CACertificate.ToString(), "authority");
            Check.Equal("server", client.Hostname, "name");
            Check.Equal(0, client.Certificate.Length, "no certificate");
            FixedPEMString certificate = new FixedPEMString("certificate");
            FixedPEMString key = new FixedPEMString("key");
            settings.WithSecureServerParameters(ref certificate, ref key);
            SecureNetworkProtocolParameter server = settings.GetSecureParameters();
            Check.Equal("certificate", server.Certificate.ToString(), "certificate");
            Check.Equal("key", server.PrivateKey.ToString(), "key");
            Check.Equal(SecureClientAuthPolicy.None, server.ClientAuthenticationPolicy, "policy");
        }

        public static void SecureParametersReplaceThoseThatWereGivenInOneStruct()
        {
            SecureNetworkProtocolParameter raw = default(SecureNetworkProtocolParameter);
            raw.Certificate = new FixedPEMString("raw certificate");
            raw.PrivateKey = new FixedPEMString("raw key");
            raw.Hostname = "raw";
            NetworkSettings settings = new NetworkSettings();
            settings.AddRawParameterStruct(ref raw);
            settings.WithSecureClientParameters("client");
            SecureNetworkProtocolParameter now = settings.GetSecureParameters();
            Check.Equal("client", now.Hostname, "the client's name");
            Check.Equal(0, now.Certificate.Length, "no server any more");
            // The certificate is none: a server that is left over would refuse.
            using (NetworkDriver driver =
                NetworkDriver.Create(new WebSocketNetworkInterface(), settings))
                Check.That(driver.IsCreated, "a client alone");
            settings.WithSecureServerParameters("certificate", "key");
            settings.AddRawParameterStruct(ref raw);
            Check.Equal("raw certificate", settings.GetSecureParameters().Certificate.ToString(),
                "the struct's");
            raw = default(SecureNetworkProtocolParameter);
            raw.Hostname = "raw";
            settings.AddRawParameterStruct(ref raw);
            using (NetworkDriver driver =
                NetworkDriver.Create(new WebSocketNetworkInterface(), settings))
                Check.That(driver.IsCreated, "a struct without a certificate is of no server");
            SecureNetworkProtocolParameter kept;
            settings.WithSecureServerParameters("certificate", "key");
            Check.That(!settings.TryGet(out kept), "the struct was replaced");
            Check.Equal("certificate", settings.GetSecureParameters().Certificate.ToString(),
                "the server's");
            settings.WithSecureClientParameters("client");
            Check.Equal("certificate", settings.GetSecureParameters().Certificate.ToString(),
                "what a method said of servers stays beside what another says of clients");
        }

        public static void WhatIsTooLongToBeShownHoldsAllTheSame()
        {
            string longest = new string('x', FixedPEMString.MaxLength);
            NetworkSettings settings = new NetworkSettings();
            settings.WithSecureClientParameters(longest, "server");
            Check.Equal(longest, settings.GetSecureParameters().CACertificate.ToString(),
                "the longest");
            settings.WithSecureClientParameters(longest + "x", "server");
            InvalidOperationException refused = null;
            try
            {
                settings.GetSecureParameters();
            }
            catch (InvalidOperationException failure)
            {
                refused = failure;
            }
            Check.That(refused != null && refused.Message.Contains("cannot show the CA certificate")
                && !refused.Message.Contains("strings"), "cannot be shown");
            Check.That(settings.IsSecure, "holds");
        }

        public static void SecureParametersInOneStructMakeADriverSecure()
        {
            NetworkSettings settings = new NetworkSettings();
            SecureNetworkProtocolParameter raw = default(SecureNetworkProtocolParameter);
            raw.Hostname = "server";
            settings.AddRawParameterStruct(ref raw);
            Check.Equal("server", settings.GetSecureParameters().Hostname, "as given");
            Check.That(settings.IsSecure, "secure");
            NetDriverException refused = null;
            try
            {
                NetworkDriver.Create(settings).Dispose();
            }
            catch (NetDriverException failure)
            {
                refused = failure;
            }
            Check.That(refused != null && refused.Status == StatusCode.NotSupported,
                "nothing leaves over UDP");
            using (NetworkDriver driver =
                NetworkDriver.Create(new WebSocketNetworkInterface(), settings))
                Check.That(driver.IsCreated, "over WebSocket");
            raw.Certificate = new FixedPEMString("no certificate");
            raw.PrivateKey = new FixedPEMString("no key");
            settings.AddRawParameterStruct(ref raw);
            Check.Throws<NetDriverException>(
                () => NetworkDriver.Create(new WebSocketNetworkInterface(), settings),
                "what is no certificate is read, and refused");
        }

#pragma warning disable 612, 618 // what is obsolete is here as well
        public static void NamesOfTheVersionBeforeAreKnown()
        {
            NetworkEndpoint endpoint = NetworkEndpoint.LoopbackIpv4.WithPort(0x1234);
            Check.Equal((ushort)0x3412, endpoint.RawPort, "raw port");
            endpoint.RawPort = 0x0100;
            Check.Equal((ushort)1, endpoint.Port, "set");
            Check.Equal(200, ReliableUtility.MaximumResendTime, "resend time");
            using (Pair pair = Pair.Open(Road.Udp))
            {
                Check.Equal(pair.Server.GetLocalEndpoint(), pair.Server.LocalEndPoint(), "local");
                Check.Equal(pair.Client.GetRemoteEndpoint(pair.ClientSide),
                    pair.Client.RemoteEndPoint(pair.ClientSide), "remote");
            }
        }
#pragma warning restore 612, 618

        public static void AnEndpointsFamilyCanBeSet()
        {
            NetworkEndpoint endpoint = default(NetworkEndpoint);
            endpoint.Family = NetworkFamily.Ipv4;
            Check.Equal(NetworkEndpoint.AnyIpv4, endpoint, "any address");
        }

        public static void AStagesIdIsTheSameForEachCallAndOneForEachType()
        {
            NetworkPipelineStageId reliable =
                NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>();
            NetworkPipelineStageId again =
                NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>();
            NetworkPipelineStageId simulator = NetworkPipelineStageId.Get<SimulatorPipelineStage>();
            Check.That(reliable == again && !(reliable != again), "the same");
            Check.That(reliable != simulator && !reliable.Equals((object)simulator), "another");
            Check.Equal(reliable.GetHashCode(), again.GetHashCode(), "hash");
            Check.Equal(typeof(SimulatorPipelineStage), simulator.Stage, "type");
            Check.That(default(NetworkPipelineStageId).Stage == null, "of no type");
            Check.Equal(4, sizeof(NetworkPipelineStageId), "a number");
            using (NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface()))
            {
                Check.Equal((byte)1, driver.CreatePipeline(new[] { reliable, simulator }).Id,
                    "a pipeline");
                Check.Throws<NetDriverException>(
                    () => driver.CreatePipeline(new NetworkPipelineStageId[1]), "of no stage");
            }
        }

        public static void OneResendTimeIsChangedAndTheOtherOneStays()
        {
            NetworkPipeline[] pipes;
            using (Pair pair = PipelineTests.Open(Road.Ipc, new NetworkSettings(),
                (driver, made) => made[0] =
                    driver.CreatePipeline(typeof(ReliableSequencedPipelineStage)), out pipes))
            {
                NetworkPipeline pipe = pipes[0];
                NetworkConnection connection = pair.ClientSide;
                ReliableUtility.Parameters now;
                Check.Equal(0, pair.Client.GetReliableParameters(pipe, connection, out now), "get");
                Check.Equal(32, now.WindowSize, "window");
                Check.Equal(0, ReliableUtility.SetMinimumResendTime(
                    10, pair.Client, pipe, connection), "the fewest");
                Check.Equal(0, ReliableUtility.SetMaximumResendTime(
                    500, pair.Client, pipe, connection), "the most");
                Check.Equal(0, pair.Client.GetReliableParameters(pipe, connection, out now), "get");
                Check.Equal(10, now.MinimumResendTime, "the fewest");
                Check.Equal(500, now.MaximumResendTime, "the most");
                Check.Status(StatusCode.InvalidArgument, ReliableUtility.SetMinimumResendTime(
                    500, pair.Client, pipe, connection), "not below the most");
                Check.Status(StatusCode.InvalidArgument, ReliableUtility.SetMaximumResendTime(
                    500, pair.Client, NetworkPipeline.Null, connection), "no pipeline");
                Check.Status(StatusCode.NetworkIdMismatch, ReliableUtility.SetMaximumResendTime(
                    500, pair.Client, pipe, default(NetworkConnection)), "no connection");
            }
        }

        public static void CountersAreAddedAndStopAtTheGreatestNumber()
        {
            ReliableUtility.Statistics some = new ReliableUtility.Statistics
            {
                PacketsSent = 1, AcksSent = 2, PacketsResent = int.MaxValue,
            };
            ReliableUtility.Statistics sum = some + some;
            Check.Equal(2, sum.PacketsSent, "sent");
            Check.Equal(4, sum.AcksSent, "acknowledgements");
            Check.Equal(int.MaxValue, sum.PacketsResent, "no more than that");
            Interop.nd_pipeline_statistics native = default(Interop.nd_pipeline_statistics);
            native.reliable_packets_received = 1UL << 40;
            native.round_trip_last_us = 1500;
            native.round_trip_smoothed_us = 1400;
            native.sequenced_packets_received = 3;
            native.sequenced_packets_dropped = 1;
            native.sequenced_packets_culled = 2;
            PipelineStatistics counted = new PipelineStatistics(ref native);
            Check.Equal(int.MaxValue, counted.Reliable.PacketsReceived, "as an int");
            Check.Equal(1UL << 40, counted.ReliablePacketsReceived, "all");
            Check.Equal(2, counted.Rtt.LastRtt, "rounded");
            Check.Equal(1.4f, counted.Rtt.SmoothedRtt, "smoothed");
            UnreliableSequencedPipelineStage.Statistics sequenced = counted.Sequenced;
            Check.Equal(0.25, sequenced.NetworkPacketLossPercent, "never arrived");
            Check.Equal(0.5, sequenced.OutOfOrderPacketLossPercent, "too late");
            Check.Equal(0.75, sequenced.CombinedPacketLossPercent, "together");
            Check.Equal("sent 0, received 3, never arrived 1 (25 %), out of order 2 (50 %)",
                sequenced.ToString(), "text");
            sequenced = default(UnreliableSequencedPipelineStage.Statistics);
            Check.Equal(0.0, sequenced.CombinedPacketLossPercent, "of none");
        }

        public static void TheSizeOfAPackedNumberIsKnownBeforeItIsWritten()
        {
            foreach (uint value in new uint[] { 0, 1, 31, 1979, 153392480, uint.MaxValue })
            {
                DataStreamWriter writer = new DataStreamWriter(8);
                writer.WritePackedUInt(value, s_Model);
                Check.Equal(writer.LengthInBits, s_Model.GetCompressedSizeInBits(value),
                    value.ToString());
            }
        }

        public static void TextsAreReadIntoMemory()
        {
            byte[] baseline = Encoding.UTF8.GetBytes("hello");
            DataStreamWriter writer = new DataStreamWriter(64);
            writer.WriteFixedString32("snö");
            writer.WritePackedFixedString32Delta("hallo", "hello", s_Model);
            writer.WriteFixedString32("too long");
            DataStreamReader reader = new DataStreamReader(writer.ToArray());
            byte* text = stackalloc byte[5];
            Check.Equal((ushort)4, reader.ReadFixedStringUnsafe(text, 5), "length");
            Check.Equal("snö", Encoding.UTF8.GetString(text, 4), "text");
            fixed (byte* old = baseline)
                Check.Equal((ushort)5, reader.ReadPackedFixedStringDeltaUnsafe(
                    text, 5, old, 5, s_Model), "packed length");
            Check.Equal("hallo", Encoding.UTF8.GetString(text, 5), "packed");
            Check.Equal((ushort)0, reader.ReadFixedStringUnsafe(text, 5), "no room");
            Check.That(!reader.HasFailedReads, "its length was read");
        }

        public static void ParametersOfADriverCanBeGivenWithoutASizeOfPackets()
        {
            NetworkConfigParameter config = new NetworkSettings().WithNetworkConfigParameters(
                1, 2, 3, 4, 5, 6, 7, 8, 9, true).GetNetworkConfigParameters();
            Check.Equal(1, config.connectTimeoutMS, "first");
            Check.Equal(9, config.sendQueueCapacity, "last but one");
            Check.That(config.performPathMtuDiscovery, "last");
            Check.Equal(1400, config.maxMessageSize, "as it is");
        }

        public static void MethodsOfSettingsAreFunctionsToo()
        {
            NetworkSettings settings = new NetworkSettings();
            ReliableStageParameterExtensions.WithReliableStageParameters(ref settings, 128);
            FragmentationStageParameterExtensions.WithFragmentationStageParameters(
                ref settings, 5000);
            Check.Equal(128, ReliableStageParameterExtensions.GetReliableStageParameters(
                ref settings).WindowSize, "reliable");
            Check.Equal(5000, FragmentationStageParameterExtensions.GetFragmentationStageParameters(
                ref settings).PayloadCapacity, "fragmentation");
            Check.Equal(512, SimulatorStageParameterExtensions.GetSimulatorStageParameters(
                ref settings).MaxPacketCount, "simulator's default");
            SimulatorStageParameterExtensions.WithSimulatorStageParameters(
                ref settings, 1, 2, ApplyMode.SentPacketsOnly, 4, 5, 6, 7, 8, 9, 10, 11);
            SimulatorUtility.Parameters simulator =
                SimulatorStageParameterExtensions.GetSimulatorStageParameters(ref settings);
            Check.Equal(new SimulatorUtility.Parameters
            {
                MaxPacketCount = 1,
                MaxPacketSize = 2,
                Mode = ApplyMode.SentPacketsOnly,
                PacketDelayMs = 4,
                PacketJitterMs = 5,
                PacketDropInterval = 6,
                PacketDropPercentage = 7,
                PacketDuplicationPercentage = 8,
                FuzzFactor = 9,
                FuzzOffset = 10,
                RandomSeed = 11,
            }, simulator, "simulator");
            using (NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface()))
                Check.Equal(0, SimulatorStageParameterExtensions.ModifySimulatorStageParameters(
                    driver, SimulatorUtility.Parameters.Default), "modify");
        }

        public static void AnMtuOfTheBadNetworkIsZeroOrAnIntOfAtLeastOne()
        {
            NetworkSimulatorParameter network = default(NetworkSimulatorParameter);
            network.ReceiveMtu = 500;
            Check.That(network.Validate(), "some bytes");
            network.ReceiveMtu = -1;
            Check.That(!network.Validate(), "fewer than none");
            network.ReceiveMtu = float.NaN;
            Check.That(!network.Validate(), "no number");
            network.ReceiveMtu = 0;
            Check.That(network.Validate(), "no limit");
            network.ReceiveMtu = 0.5f;
            Check.That(!network.Validate(), "would be cut to no limit");
            Check.Equal(StatusCode.InvalidArgument, Check.Throws<NetDriverException>(
                () => NetworkDriver.Create(new IPCNetworkInterface(),
                    new NetworkSettings().WithNetworkSimulatorParameters(network)),
                "by a driver's settings").Status, "what");
            using (NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface()))
                Check.Status(StatusCode.InvalidArgument,
                    driver.ModifyNetworkSimulatorParameters(network), "of a driver");
            network.ReceiveMtu = 500.5f;
            Check.That(network.Validate(), "half a byte too many");
            network.ReceiveMtu = 2147483520f;
            Check.That(network.Validate(), "the greatest float that is an int");
            network.ReceiveMtu = 2147483648f;
            Check.That(!network.Validate(), "no int any more");
            network.ReceiveMtu = float.PositiveInfinity;
            Check.That(!network.Validate(), "more than all");
        }
    }
}
