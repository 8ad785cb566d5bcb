using System;
using System.Collections.Generic;

/// <summary>Counts what holds and what does not.</summary>
internal static class Checks
{
    private static readonly List<string> s_Failed = new List<string>();
    private static int s_Passed;

    internal static void That(bool holds, string what)
    {
        if (holds)
            s_Passed++;
        else
            s_Failed.Add(what);
    }

    internal static void Refused(Action action, string why, string what)
    {
        try
        {
            action();
            s_Failed.Add(what + ": not refused");
        }
        catch (InvalidOperationException refusal)
        {
            That(refusal.Message.Contains(why), what + ": " + refusal.Message);
        }
    }

    /// <summary>Prints the sum.</summary>
    /// <returns>The exit code.</returns>
    internal static int Close()
    {
        foreach (string what in s_Failed)
            Console.WriteLine("FAILED " + what);
        Console.WriteLine(s_Passed + " passed, " + s_Failed.Count + " failed");
        return s_Failed.Count == 0 ? 0 : 1;
    }
}
