using System.Collections.Generic;
using NetDriver;

/// <summary>The commands of a script that are about pipelines.</summary>
internal sealed partial class Actor
{
    private readonly Dictionary<int, NetworkPipeline> m_Pipelines =
        new Dictionary<int, NetworkPipeline>();

    private NetworkPipeline Pipeline(string word)
    {
        int number = Script.Number(word);
        return number == 0 ? NetworkPipeline.Null : m_Pipelines[number];
    }

    private void MakePipeline(string words)
    {
        string[] names = words.Split(',');
        NetworkPipelineStage[] stages = new NetworkPipelineStage[names.Length];
        for (int i = 0; i < names.Length; i++)
            stages[i] = ParseStage(names[i]);
        try
        {
            NetworkPipeline made = m_Driver.CreatePipeline(stages);
            m_Pipelines.Add(made.Id, made);
            Tell("pipeline " + made.Id);
        }
        catch (NetDriverException refused)
        {
            Tell("pipeline " + Said((int)refused.Status));
        }
    }

    private static NetworkPipelineStage ParseStage(string word)
    {
        string[] parts = word.Split(':');
        int value = parts.Length > 1 ? Script.Number(parts[1]) : 0;
        switch (parts[0])
        {
            case "null":
                return NetworkPipelineStage.Of(typeof(NullPipelineStage));
            case "frag":
                FragmentationUtility.Parameters capacity = FragmentationUtility.Parameters.Default;
                if (value != 0)
                    capacity.PayloadCapacity = value;
                return NetworkPipelineStage.Fragmentation(capacity);
            case "reliable":
                ReliableUtility.Parameters window = ReliableUtility.Parameters.Default;
                if (value != 0)
                    window.WindowSize = value;
                return NetworkPipelineStage.ReliableSequenced(window);
            case "useq":
                return NetworkPipelineStage.Of(typeof(UnreliableSequencedPipelineStage));
            case "drop":
                SimulatorUtility.Parameters network = SimulatorUtility.Parameters.Default;
                network.PacketDropInterval = value;
                network.Mode = ApplyMode.SentPacketsOnly;
                return NetworkPipelineStage.Simulator(network);
            default:
                throw new ScriptException(word + " is no stage");
        }
    }

    private unsafe void Through(string pipe, string conn, byte[] bytes)
    {
        int result;
        fixed (byte* first = bytes)
            result = m_Driver.Send(Pipeline(pipe), Connection(conn), first, bytes.Length);
        Tell("through " + pipe + " " + conn + " " + Said(result));
    }
}
